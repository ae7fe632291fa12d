"""Figures of the whole suite for Prometheus: upstream's under its names (contract §9), and what waits for how long."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic

import structlog
from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_api.repositories.event_cursors import MOST_COUNTED, count_untold
from conda_store_api.repositories.figures import Figures, count_everything
from conda_store_api.repositories.waiting import Waiting, count_builds, count_messages, count_stages
from conda_store_shared.bus.port import Bus, QueueState
from conda_store_shared.contracts.topology import SERVERS, dead_queue_name, durable_queues
from conda_store_shared.db.engine import Database
from conda_store_shared.db.moments import now
from conda_store_shared.domain.build import BuildStatus, Rank
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import Unavailable
from conda_store_shared.telemetry import stages

# Counting a million builds takes a while, and Prometheus asks every few seconds, of each replica.
KEPT_SECONDS = 10.0

_DISK = {"disk_usage": "used", "disk_free": "free", "disk_total": "in all"}
_RANKS = tuple(rank.name.lower() for rank in Rank if rank is not Rank.BUILT)
_log = structlog.get_logger()


def suite_figures(registry: CollectorRegistry, database: Database, bus: Bus) -> Callable[[], Awaitable[None]]:
    """Add the figures to a registry; what is returned brings them up to date, at most every few seconds.

    Those of a part that is away stay as they are.
    """
    stages.expect(("build.started", "build.completed", "build.canceled", "artifact.stored"))
    stages.expect(("build.failed", "artifact.failed"), tuple(FailureCode))
    counting = (
        SuiteGauges(registry, database).count,
        WaitingGauges(registry, database).count,
        QueueGauges(registry, bus).count,
    )
    counted_at = float("-inf")

    async def refresh() -> None:
        nonlocal counted_at
        if monotonic() - counted_at < KEPT_SECONDS:
            return
        results = await asyncio.gather(*map(_counted, counting))
        if all(results):
            counted_at = monotonic()

    return refresh


async def _counted(count: Callable[[], Awaitable[None]]) -> bool:
    try:
        await count()
    except Unavailable as error:
        _log.warning("figures_not_counted", reason=error.message)
        return False
    return True


class SuiteGauges:
    """Builds by status, environments, and the disk of the prefixes; every status always has its line."""

    def __init__(self, registry: CollectorRegistry, database: Database) -> None:
        self._database = database
        self._builds = {
            status: Gauge(f"conda_store_build_{status.lower()}", f"Builds that are {status}.", registry=registry)
            for status in BuildStatus
        }
        self._environments = Gauge("conda_store_environments", "Environments.", registry=registry)
        self._disk = {
            name: Gauge(f"conda_store_{name}", f"Bytes {told} on the disk of the prefixes.", registry=registry)
            for name, told in _DISK.items()
        }

    async def count(self) -> None:
        """Count again; raises DatabaseUnavailable."""
        async with self._database.session() as session:
            self._set(await count_everything(session))

    def _set(self, figures: Figures) -> None:
        for status, gauge in self._builds.items():
            gauge.set(figures.builds.get(status, 0))
        self._environments.set(figures.environments)
        for name, gauge in self._disk.items():
            gauge.set(getattr(figures, name))


class _Group:
    """How many there are of each kind, and the age of the oldest."""

    def __init__(
        self,
        registry: CollectorRegistry,
        names: tuple[str, str],
        told: str,
        labels: Sequence[str],
        count: Callable[[AsyncSession], Awaitable[Sequence[Waiting]]],
    ) -> None:
        self._count = count
        self._numbers = Gauge(f"conda_store_{names[0]}", told, labels, registry=registry)
        self._ages = Gauge(
            f"conda_store_{names[1]}_age_seconds", f"{told} Time since the oldest came.", labels, registry=registry
        )

    async def count(self, session: AsyncSession, always: Sequence[str] = ()) -> None:
        found = await self._count(session)
        missing = [Waiting(kind=(kind,), count=0, oldest=None) for kind in always]
        self._numbers.clear()
        self._ages.clear()
        moment = now()
        for each in (*missing, *found):
            age = 0.0 if each.oldest is None else max(0.0, (moment - each.oldest).total_seconds())
            self._numbers.labels(*each.kind).set(each.count)
            self._ages.labels(*each.kind).set(age)


class WaitingGauges:
    """Builds, stages and messages that are not over."""

    def __init__(self, registry: CollectorRegistry, database: Database) -> None:
        self._database = database
        self._builds = _Group(
            registry,
            ("builds_unfinished", "oldest_build"),
            "Builds that are not over, by rank.",
            ("rank",),
            count_builds,
        )
        self._stages = _Group(
            registry,
            ("stages_unfinished", "oldest_stage"),
            "Stages that are not over, by state: waiting to be tried again, requested, running.",
            ("stage", "state"),
            count_stages,
        )
        self._messages = _Group(
            registry,
            ("outbox_messages", "oldest_outbox_message"),
            "Messages that the broker has not confirmed, by the service that wrote them.",
            ("service",),
            count_messages,
        )
        self._events = _Group(
            registry,
            ("events_untold", "oldest_untold_event"),
            f"Public events, {MOST_COUNTED} at most, that the exchange or a hook has not been told of.",
            ("reader",),
            count_untold,
        )

    async def count(self) -> None:
        """Count again; raises DatabaseUnavailable."""
        async with self._database.session() as session:
            await self._builds.count(session, _RANKS)
            await self._stages.count(session)
            await self._messages.count(session, SERVERS)
            await self._events.count(session)


class QueueGauges:
    """Messages and consumers of every durable queue, the dead ones included."""

    def __init__(self, registry: CollectorRegistry, bus: Bus) -> None:
        self._bus = bus
        names = [queue.name for queue in durable_queues()]
        self._queues = [*names, *map(dead_queue_name, names)]
        self._messages = Gauge(
            "conda_store_queue_messages", "Messages that wait in a queue.", ("queue",), registry=registry
        )
        self._consumers = Gauge(
            "conda_store_queue_consumers",
            "How many messages of a queue can be handled at once by all processes together.",
            ("queue",),
            registry=registry,
        )

    async def count(self) -> None:
        """Count again; raises BusUnavailable.  In a queue that nobody has declared nothing waits."""
        found = await self._bus.look(self._queues)
        for queue in self._queues:
            state = found.get(queue, QueueState(0, 0))
            self._messages.labels(queue).set(state.messages)
            self._consumers.labels(queue).set(state.consumers)
