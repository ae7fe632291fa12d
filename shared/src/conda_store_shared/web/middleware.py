"""What every request passes through, as plain ASGI: request id, access log, deadline, body limit, headers."""

import asyncio
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from time import perf_counter
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from conda_store_shared.errors import TooLarge, Unavailable
from conda_store_shared.telemetry.traceparent import TRACEPARENT, parsed
from conda_store_shared.telemetry.tracing import Kind, Span, is_traced, span
from conda_store_shared.web.routing import DEADLINE, ROUTE_PATH, STREAMED

REQUEST_ID = "conda_store.request_id"
UNMATCHED = "unmatched"

Observe = Callable[[str, str, int, float, int], None]

_SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._\-]{1,128}")
_QUIET = ("/health/live", "/health/ready", "/metrics")
_SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}

_log = structlog.get_logger()


class RequestContext:
    """Gives each request an id (the sender's, when sane), logs it when answered, and counts it.

    ``observe`` is called with route, method, status, seconds and bytes; of a stream, which lasts as long as it is read,
    the seconds are those until it began.
    """

    def __init__(self, app: ASGIApp, observe: Observe | None = None) -> None:
        self._app = app
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope[REQUEST_ID] = request_id
        started = began = perf_counter()
        status, size = 500, 0

        async def send_with_id(message: Message) -> None:
            nonlocal status, size, began
            size += len(message.get("body", b""))
            if message["type"] == "http.response.start":
                status, began = message["status"], perf_counter()
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(correlation_id=request_id), _span(scope) as answered:
            try:
                await self._app(scope, receive, send_with_id)
            finally:
                _tell(answered, scope, status)
                if self._observe:
                    seconds = (began if scope.get(STREAMED) else perf_counter()) - started
                    self._observe(scope.get(ROUTE_PATH, UNMATCHED), scope["method"], status, seconds, size)
                _log_request(scope, status, perf_counter() - started)

class SecurityHeaders:
    """Adds headers that keep browsers careful; what a handler set itself stays."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                if "etag" not in headers:
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)


class Deadline:
    """Gives up on a request whose answer has not begun after ``seconds``; raises Unavailable then."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        timeout = asyncio.timeout(self._seconds)
        scope[DEADLINE] = timeout

        async def send_in_time(message: Message) -> None:
            # A download may take as long as its reader does.
            if message["type"] == "http.response.start" and not timeout.expired():
                timeout.reschedule(None)
            await send(message)

        try:
            async with timeout:
                await self._app(scope, receive, send_in_time)
        except TimeoutError:
            if not timeout.expired():
                raise
            raise Unavailable("the answer took too long; please try again") from None


class BodyLimit:
    """Refuses bodies of more than ``limit`` bytes, declared or counted; raises TooLarge then."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and (len(declared) > 18 or int(declared) > self._limit):
            raise self._too_large()
        taken = 0

        async def receive_limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._limit:
                raise self._too_large()
            return message

        await self._app(scope, receive_limited, send)

    def _too_large(self) -> TooLarge:
        return TooLarge(f"the body of the request is larger than {self._limit} bytes")


def _log_request(scope: Scope, status: int, seconds: float) -> None:
    path = scope["path"]
    if path not in _QUIET:
        # The path alone: a query may hold a token.
        _log.info("request", method=scope["method"], path=path[:300], status=status, ms=round(seconds * 1000, 1))


def _span(scope: Scope) -> AbstractContextManager[Span | None]:
    sent = Headers(scope=scope).get(TRACEPARENT)
    if scope["path"] in _QUIET or not (sent or is_traced()):
        return nullcontext()
    attributes = {"http.request.method": scope["method"], "correlation_id": scope[REQUEST_ID]}
    return span(scope["method"], Kind.SERVER, parent=sent if parsed(sent) else None, attributes=attributes)


def _tell(answered: Span | None, scope: Scope, status: int) -> None:
    """Name the span by its route: a path may hold what somebody chose."""
    if answered is None:
        return
    path = scope.get(ROUTE_PATH, UNMATCHED)
    answered.rename(f"{scope['method']} {path}")
    answered.set("http.route", path)
    answered.set("http.response.status_code", status)
    if status >= 500:
        answered.fail(str(status))


def _request_id(scope: Scope) -> str:
    sent = Headers(scope=scope).get("x-request-id", "")
    return sent if _SANE_REQUEST_ID.fullmatch(sent) else uuid4().hex
