"""Server-sent events: their frames, and the answer that sends them for as long as somebody reads.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
from contextlib import suppress
from typing import Protocol

import structlog
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from conda_store_shared.errors import TooLarge, Unavailable
from conda_store_shared.web.open_streams import end, open_streams_of
from conda_store_shared.web.routing import STREAMED

MEDIA_TYPE = "text/event-stream"
# Proxies give up a connection on which nothing came for a minute, most of them.
HEARTBEAT_SECONDS = 15.0
RETRY_MILLISECONDS = 2000
# A comment, without the empty line after it that makes some readers see an event without data.
KEEP_ALIVE = b": keep-alive\n"
# No cache keeps a stream, nobody compresses it, and nginx in front of the gateway passes it on as it comes.
_HEADERS = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}
_LAST_WORDS_SECONDS = 1.0

_log = structlog.get_logger()


class ServerSentEvent(BaseModel):
    """An event of a stream as a reader gets it; without ``data`` it tells an id, or when to connect again, alone."""

    id: str | None = None
    event: str | None = None
    data: str | None = None
    retry: int | None = None


class Source(Protocol):
    """What a stream sends."""

    async def take(self, seconds: float) -> bytes | None:
        """Return the next frames, some 64 KiB at most: nothing when none came in time, None when no more will come.

        Raises Unavailable when it cannot go on now, so that the reader connects again.
        """
        ...

    def close(self) -> None:
        """Nobody reads any more; called once."""
        ...


def frame(data: bytes = b"", *, event_id: str | None = None, event: str | None = None) -> bytes:
    """Return one event; without ``data`` a reader only notes the id.  ``data`` and the others are of one line."""
    lines = [b"id: " + event_id.encode()] if event_id is not None else []
    lines += [b"event: " + event.encode()] if event is not None else []
    lines += [b"data: " + data] if data else []
    return b"\n".join([*lines, b"", b""])


def last_event_id(request: Request) -> str | None:
    """Return the id of the last event that a reader has seen, when it connects again."""
    return request.headers.get("last-event-id") or None


def no_more_events() -> Response:
    """Tell a reader that connects again that there is nothing more to come: HTTP 204."""
    return Response(status_code=204)


class EventStream(Response):
    """Sends what ``source`` gives until it ends, the reader leaves, or the server stops; a comment when it is silent.

    Counts among the open streams of the application: raises Unavailable when there are too many.
    """

    media_type = MEDIA_TYPE

    def __init__(self, source: Source, *, heartbeat: float = HEARTBEAT_SECONDS) -> None:
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]
        self._source = source
        self._heartbeat = heartbeat

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream; a HEAD is told its headers alone."""
        try:
            if scope["method"] == "HEAD":
                await self._begin(send)
            else:
                async with open_streams_of(scope["app"]).turn() as timeout, asyncio.TaskGroup() as group:
                    scope[STREAMED] = True
                    await self._begin(send)
                    watcher = group.create_task(_watch(receive, timeout))
                    await self._send_all(send)
                    watcher.cancel()
            await _end(send)
        finally:
            self._source.close()

    async def _begin(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})

    async def _send_all(self, send: Send) -> None:
        frames: bytes | None = b"retry: %d\n" % RETRY_MILLISECONDS
        try:
            while frames is not None:
                await send({"type": "http.response.body", "body": frames or KEEP_ALIVE, "more_body": True})
                frames = await self._source.take(self._heartbeat)
        except Unavailable as error:
            _log.warning("stream_ended", reason=error.message)


async def _end(send: Send) -> None:
    try:
        async with asyncio.timeout(_LAST_WORDS_SECONDS):
            await send({"type": "http.response.body", "body": b"", "more_body": False})
    except TimeoutError:
        _log.info("stream_left", reason="its reader has stopped reading")


async def _watch(receive: Receive, timeout: asyncio.Timeout) -> None:
    """Notice that a reader has left, or sends what nobody asked for."""
    with suppress(TooLarge):
        while (await receive())["type"] != "http.disconnect":
            pass
    end(timeout)
