"""Liveness and readiness, for every service."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic

import structlog
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from conda_store_shared.web.answers import JsonResponse
from conda_store_shared.web.errors import RETRY_AFTER_SECONDS
from conda_store_shared.web.operation import Anyone, Content, operation
from conda_store_shared.web.routing import PathRoute, route


class AliveModel(BaseModel):
    """The process answers."""

    status: str


class ReadyModel(BaseModel):
    """Whether each part (bus, database, storage) can be used: ``ok`` or ``error``."""

    status: str
    parts: dict[str, str]


_UNREADY = Content(told="Some part does not answer.", status=503, media_type="application/json", model=ReadyModel)
Check = Callable[[], Awaitable[None]]

CHECK_TIMEOUT_SECONDS = 2.0
KEPT_SECONDS = 1.0

_log = structlog.get_logger()


class Readiness:
    """Which parts (bus, database, storage) can be used now; asked once in ``kept`` seconds, however many ask."""

    def __init__(
        self, checks: Mapping[str, Check], timeout: float = CHECK_TIMEOUT_SECONDS, kept: float = KEPT_SECONDS
    ) -> None:
        self._checks = checks
        self._timeout = timeout
        self._kept = kept
        self._asking = asyncio.Lock()
        self._asked_at = float("-inf")
        self._parts: dict[str, str] = {}

    async def parts(self) -> dict[str, str]:
        """Return ``ok`` or ``error`` for each part, within the timeout."""
        async with self._asking:
            if monotonic() - self._asked_at >= self._kept:
                results = await asyncio.gather(*map(self._ask, self._checks.values()), return_exceptions=True)
                self._parts = {
                    name: self._told(name, result) for name, result in zip(self._checks, results, strict=True)
                }
                self._asked_at = monotonic()
            return self._parts

    async def _ask(self, check: Check) -> None:
        async with asyncio.timeout(self._timeout):
            await check()

    def _told(self, name: str, result: BaseException | None) -> str:
        if result is None:
            return "ok"
        if self._parts.get(name) != "error":
            _log.warning("part_unavailable", part=name, error=repr(result))
        return "error"


def health_routes(readiness: Readiness) -> list[PathRoute]:
    """Return ``/health/live`` (the process answers) and ``/health/ready`` (so does all it stands on; else 503)."""

    @operation("Whether the process answers", Anyone(), AliveModel)
    async def live(_request: Request) -> Response:
        return JsonResponse({"status": "ok"})

    @operation("Whether everything it stands on answers", Anyone(), ReadyModel, _UNREADY)
    async def ready(_request: Request) -> Response:
        parts = await readiness.parts()
        if all(state == "ok" for state in parts.values()):
            return JsonResponse({"status": "ok", "parts": parts})
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        return JsonResponse({"status": "error", "parts": parts}, 503, headers)

    return [route("/health/live", get=live), route("/health/ready", deadline=None, get=ready)]
