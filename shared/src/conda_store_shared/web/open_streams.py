"""The answers of a process that go on for as long as somebody reads them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from conda_store_shared.errors import Unavailable
from conda_store_shared.telemetry import streams as figures

DEFAULT_LIMIT = 4000


class OpenStreams:
    """At most ``limit`` streams at once, all of which can be ended at once."""

    def __init__(self, limit: int = DEFAULT_LIMIT) -> None:
        self._limit = limit
        self._open: set[asyncio.Timeout] = set()
        self._closed = False

    def __len__(self) -> int:
        return len(self._open)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[asyncio.Timeout]:
        """Count one stream in, and leave the block when its timeout is reached: by ``end``, or as the server stops.

        Raises Unavailable when there are too many, or the server stops.
        """
        self._check()
        timeout = asyncio.timeout(None)
        figures.OPEN.inc()
        try:
            async with timeout:
                self._open.add(timeout)
                yield timeout
        except TimeoutError:
            if not timeout.expired():
                raise
        finally:
            self._open.discard(timeout)
            figures.OPEN.dec()

    def _check(self) -> None:
        if self._closed:
            raise Unavailable("the server is stopping; please connect again")
        if len(self._open) >= self._limit:
            figures.REFUSED.inc()
            raise Unavailable(
                f"{self._limit} streams are open here, which is the limit; please try again, or ask an administrator "
                "for a higher CondaStoreServer.max_open_streams"
            )

    def close(self) -> None:
        """End every stream, and let no other begin."""
        self._closed = True
        for timeout in tuple(self._open):
            end(timeout)


def end(timeout: asyncio.Timeout) -> None:
    """Let the timeout of a stream be reached now."""
    if timeout.when() is None:
        timeout.reschedule(asyncio.get_running_loop().time())


def open_streams_of(application: Starlette) -> OpenStreams:
    """Return the streams of an application, which has them from the first time they are asked for."""
    found: OpenStreams | None = getattr(application.state, "open_streams", None)
    if found is None:
        found = application.state.open_streams = OpenStreams()
    return found
