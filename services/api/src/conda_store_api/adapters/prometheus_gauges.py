"""Figures of the whole suite for Prometheus, under upstream's names (contract §9)."""

from time import monotonic

import structlog
from prometheus_client import CollectorRegistry, Gauge

from conda_store_api.repositories.figures import Figures, count_everything
from conda_store_shared.db.engine import Database
from conda_store_shared.domain.build import BuildStatus
from conda_store_shared.errors import Unavailable

# Counting a million builds takes a while, and Prometheus asks every few seconds, of each replica.
KEPT_SECONDS = 10.0

_DISK = {"disk_usage": "used", "disk_free": "free", "disk_total": "in all"}
_log = structlog.get_logger()


class SuiteGauges:
    """Gauges of builds by status, environments, and the disk of the prefixes; every status always has its line."""

    def __init__(self, registry: CollectorRegistry, database: Database) -> None:
        self._database = database
        self._counted_at = float("-inf")
        self._builds = {
            status: Gauge(f"conda_store_build_{status.lower()}", f"Builds that are {status}.", registry=registry)
            for status in BuildStatus
        }
        self._environments = Gauge("conda_store_environments", "Environments.", registry=registry)
        self._disk = {
            name: Gauge(f"conda_store_{name}", f"Bytes {told} on the disk of the prefixes.", registry=registry)
            for name, told in _DISK.items()
        }

    async def refresh(self) -> None:
        """Count again, unless that was done a moment ago; figures stay as they are while the database is away."""
        if monotonic() - self._counted_at < KEPT_SECONDS:
            return
        try:
            async with self._database.session() as session:
                self._set(await count_everything(session))
        except Unavailable as error:
            _log.warning("figures_not_counted", reason=error.message)
            return
        self._counted_at = monotonic()

    def _set(self, figures: Figures) -> None:
        for status, gauge in self._builds.items():
            gauge.set(figures.builds.get(status, 0))
        self._environments.set(figures.environments)
        for name, gauge in self._disk.items():
            gauge.set(getattr(figures, name))
