"""One connection to the broker, supervised: rebuilt as a whole whenever anything on it fails."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import aio_pika
import structlog
from aio_pika.abc import AbstractConnection

from conda_store_shared.bus.options import RabbitOptions
from conda_store_shared.bus.waiting import (
    BROKER_FAILURES,
    cancellations,
    raise_if_cancelled,
    unleaked,
    when_closed,
    within,
)

_log = structlog.get_logger(__name__)

# A connection that lived this long was a good one: begin again with the shortest wait.
_STEADY = 10.0
_CLOSE_TIMEOUT = 5.0
# Enough to establish a connection, or to give one up, with a broker that answers. Over TLS, the library waits half a
# minute for one that does not; that is left to itself.
_MOMENT = 0.5

Serve = Callable[[AbstractConnection], Awaitable[None]]


class SupervisedConnection:
    """Connects, then calls ``serve`` with the connection; again and again.

    ``serve`` uses the connection until it is cancelled, or raises one of BROKER_FAILURES when something fails.
    aio-pika's own robust connection waits without limit while it restores, hence this.
    """

    def __init__(self, options: RabbitOptions, purpose: str, serve: Serve) -> None:
        self._options = options
        self._purpose = purpose
        self._serve = serve
        self._connecting: asyncio.Task[AbstractConnection] | None = None
        self._connection: AbstractConnection | None = None

    @property
    def connection(self) -> AbstractConnection:
        """The connection of this moment; raises ConnectionError while there is none."""
        if self._connection is None:
            raise ConnectionError("there is no connection to the broker")
        return self._connection

    async def run(self) -> None:
        """Keep the connection until cancelled, and leave it open then: ``close`` ends it."""
        clock = asyncio.get_running_loop().time
        failures, before = 0, cancellations()
        while True:
            started = clock()
            try:
                # In a task of its own: task groups prefer a failure to a cancellation that comes with it, and leave
                # their own cancellations in the count (Python 3.11).
                await unleaked(asyncio.create_task(self._live()))
            except* BROKER_FAILURES as errors:
                _log.warning("broker_connection_failed", purpose=self._purpose, reason=_reason(errors))
            await self.close()
            raise_if_cancelled(before)
            failures = 0 if clock() - started > _STEADY else failures + 1
            await asyncio.sleep(self._options.reconnect.delay(failures))

    async def close(self) -> None:
        """Close the connection if there is one, or one is about to be; takes a few seconds at most."""
        connecting, self._connecting, self._connection = self._connecting, None, None
        if connecting is None:
            return
        # The library loses a connection when it is cancelled in the moment it is established.
        await asyncio.wait({connecting}, timeout=_MOMENT)
        connecting.cancel()
        await asyncio.wait({connecting}, timeout=_MOMENT)
        if connecting.done() and not connecting.cancelled() and connecting.exception() is None:
            with contextlib.suppress(*BROKER_FAILURES):
                await within(_CLOSE_TIMEOUT, connecting.result().close())

    async def _live(self) -> None:
        connection = self._connection = await self._connect()
        closed = when_closed(connection)
        async with asyncio.TaskGroup() as group:
            group.create_task(_raise_when(closed))
            _log.info("broker_connected", purpose=self._purpose)
            await self._serve(connection)

    async def _connect(self) -> AbstractConnection:
        """Connect in a task that outlives a cancellation: ``close`` ends it, and closes what it came to."""
        options = self._options
        name = f"conda-store-{options.service} ({self._purpose})"
        self._connecting = asyncio.create_task(
            aio_pika.connect(options.url, heartbeat=options.heartbeat, client_properties={"connection_name": name})
        )
        return await within(options.connect_timeout, asyncio.shield(self._connecting))


async def _raise_when(closed: "asyncio.Future[str]") -> None:
    raise ConnectionError(await closed)


def _reason(errors: BaseExceptionGroup[BaseException]) -> str:
    """The first real failure inside nested groups."""
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return repr(error)
