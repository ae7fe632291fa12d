"""Prometheus text of a service, and the counters of its requests."""

from collections.abc import Awaitable, Callable, Sequence

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response

from conda_store_shared.web.operation import Anyone, Content, operation
from conda_store_shared.web.routing import PathRoute, route

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestMetrics:
    """Seconds each request took, by route, method and class of status; to be given to the application as observer."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "conda_store_http_request_seconds",
            "Time from a request's first byte to the end of its answer.",
            ("route", "method", "status"),
            registry=registry,
            buckets=_BUCKETS,
        )

    def __call__(self, path: str, method: str, status: int, seconds: float) -> None:
        known = method if method in _METHODS else "other"
        self._seconds.labels(path, known, f"{status // 100}xx").observe(seconds)


def metrics_routes(
    registry: CollectorRegistry, refreshes: Sequence[Callable[[], Awaitable[None]]] = ()
) -> list[PathRoute]:
    """Return ``/metrics``; each of ``refreshes`` is awaited before the values are read."""

    @operation("Figures for Prometheus", Anyone(), Content(told="Prometheus text.", media_type="text/plain"))
    async def metrics(_request: Request) -> Response:
        for refresh in refreshes:
            await refresh()
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return [route("/metrics", get=metrics)]
