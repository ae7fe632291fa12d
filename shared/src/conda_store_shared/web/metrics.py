"""Prometheus text of a service, and the counters of its requests."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response

from conda_store_shared.telemetry.registry import MOMENTS
from conda_store_shared.web.operation import Anyone, Content, operation
from conda_store_shared.web.routing import PathRoute, route

# Prometheus gives up after ten: old figures of what is away are better than none of all the rest.
_REFRESH_SECONDS = 4.0
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_log = structlog.get_logger()


class RequestMetrics:
    """Seconds and bytes of each request, by route, method and class of status; the application's observer."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "conda_store_http_request_seconds",
            "Time from a request's first byte to the end of its answer.",
            ("route", "method", "status"),
            registry=registry,
            buckets=MOMENTS,
        )
        self._bytes = Counter(
            "conda_store_http_response_bytes", "Bytes of the bodies of answers.", ("route",), registry=registry
        )

    def __call__(self, path: str, method: str, status: int, seconds: float, size: int) -> None:
        known = method if method in _METHODS else "other"
        self._seconds.labels(path, known, f"{status // 100}xx").observe(seconds)
        self._bytes.labels(path).inc(size)


async def _within_the_limit(refresh: Callable[[], Awaitable[None]]) -> None:
    try:
        async with asyncio.timeout(_REFRESH_SECONDS):
            await refresh()
    except TimeoutError:
        _log.warning("figures_not_counted", reason=f"what is counted did not answer within {_REFRESH_SECONDS:g} s")


def metrics_routes(
    registry: CollectorRegistry, refreshes: Sequence[Callable[[], Awaitable[None]]] = ()
) -> list[PathRoute]:
    """Return ``/metrics``; ``refreshes`` are awaited, some seconds at most, before the values are read."""

    @operation("Figures for Prometheus", Anyone(), Content(told="Prometheus text.", media_type="text/plain"))
    async def metrics(_request: Request) -> Response:
        await asyncio.gather(*map(_within_the_limit, refreshes))
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return [route("/metrics", get=metrics)]
