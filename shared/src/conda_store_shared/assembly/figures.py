"""The figures of a process: what its layers count, its children, its parts, itself."""

from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Gauge, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from conda_store_shared.child.pool import ChildPool
from conda_store_shared.child.processes import resident_bytes
from conda_store_shared.telemetry.registry import REGISTRY
from conda_store_shared.web.health import Readiness
from conda_store_shared.worker.service import Coroutine, Service


def process_figures(
    registry: CollectorRegistry, services: Sequence[Service], readiness: Readiness
) -> Sequence[Coroutine]:
    """Add the figures to a registry; return what is to be awaited before they are read."""
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    registry.register(LayerFigures())
    registry.register(ChildFigures(_pools(services)))
    info = Gauge(
        "conda_store_service_info", "Always 1: the services of this process.", ("service", "version"), registry=registry
    )
    for service in services:
        info.labels(service.name, version("conda-store-shared")).set(1)
    parts = Gauge(
        "conda_store_part_up", "Whether what this process stands on answers, 1 or 0.", ("part",), registry=registry
    )

    async def ask() -> None:
        for part, state in (await readiness.parts()).items():
            parts.labels(part).set(state == "ok")

    return [ask, *(service.metrics(registry) for service in services if service.metrics)]


class LayerFigures:
    """What bus, storage, stages and the others count, wherever in the process."""

    def collect(self) -> Iterable[Metric]:
        """Return everything that was counted."""
        figures: Iterable[Metric] = REGISTRY.collect()
        return figures


class ChildFigures:
    """The child processes of pools, by service."""

    def __init__(self, pools: Mapping[str, ChildPool]) -> None:
        self._pools = pools

    def collect(self) -> Iterable[Metric]:
        """Look at the children of now."""
        children = GaugeMetricFamily(
            "conda_store_children", "Child processes: busy, or spare.", labels=("service", "state")
        )
        memory = GaugeMetricFamily(
            "conda_store_children_resident_bytes", "Memory of the child processes.", labels=("service",)
        )
        started = CounterMetricFamily(
            "conda_store_children_started", "Child processes started.", labels=("service",)
        )
        for service, pool in self._pools.items():
            stats = pool.stats()
            children.add_metric((service, "busy"), len(stats.busy))
            children.add_metric((service, "spare"), len(stats.idle))
            zygote = () if stats.zygote is None else (stats.zygote,)
            memory.add_metric((service,), resident_bytes([*zygote, *stats.idle, *stats.busy]))
            started.add_metric((service,), stats.started)
        return children, memory, started


def _pools(services: Sequence[Service]) -> Mapping[str, ChildPool]:
    return {service.name: pool for service in services for pool in service.pools if isinstance(pool, ChildPool)}
