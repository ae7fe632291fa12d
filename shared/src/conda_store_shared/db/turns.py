"""A turn that one process has at a time, and that ends within seconds when its holder does not live (decision 0032).

The turn is an advisory lock of a connection that Postgres closes by itself once it hears nothing on it: whether the
holder was killed, is stopped, or has lost the network, another one is let in without looking at any clock but its own.
On SQLite there is one process, whose turn it always is.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
import structlog
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from conda_store_shared.db.engine import CONNECT_SECONDS, Database, unavailable_database
from conda_store_shared.errors import DatabaseUnavailable

# What the connections that hold a turn, or wait for one, are called in pg_stat_activity.
APPLICATION = "conda-store turn"
SECONDS = 6.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 5.0
# One that waits asks again so often: a connection that died without a word would wait for ever.
_WAIT_SECONDS = 10
_ASK = "SELECT pg_advisory_lock(hashtext($1))"

log = structlog.get_logger()


class Turn:
    """Lets ``work`` run in one process at a time; ``seconds`` after a holder fell silent it is another one's turn."""

    def __init__(self, database: Database, name: str, *, seconds: float = SECONDS) -> None:
        self._database = database
        self._name = name
        self._seconds = seconds
        self._until = 0.0

    @property
    def is_held(self) -> bool:
        """Whether it is still ours, for certain: to be asked before anything that two must not do at once."""
        return not self._database.is_postgres or time.monotonic() < self._until

    async def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run ``work`` whenever it is our turn, until cancelled; it is cancelled when the turn is lost.

        When it raises DatabaseUnavailable the turn is given up, and taken again after a pause.
        """
        pause = _FIRST_PAUSE
        while True:
            began = time.monotonic()
            try:
                await self._run_once(work)
            except* DatabaseUnavailable as group:
                log.warning("turn_waits", turn=self._name, reason=str(_first(group)))
            # What went well for a while begins anew.
            pause = _FIRST_PAUSE if time.monotonic() - began > _LONGEST_PAUSE else min(2 * pause, _LONGEST_PAUSE)
            await asyncio.sleep(pause)

    async def _run_once(self, work: Callable[[], Awaitable[None]]) -> None:
        if not self._database.is_postgres:
            await work()
            return
        async with self._connected() as connection:
            while not await self._taken(connection):
                pass
            log.info("turn_taken", turn=self._name)
            try:
                await self._hold(connection, work)
            finally:
                self._until = 0.0
                log.info("turn_ended", turn=self._name)

    async def _taken(self, connection: asyncpg.Connection) -> bool:
        try:
            async with unavailable_database(), asyncio.timeout(_WAIT_SECONDS + CONNECT_SECONDS):
                await connection.execute(_ASK, self._name)
        except asyncpg.LockNotAvailableError:
            return False
        # The server counts from when it gave the answer, which may have lain about while we stood still.
        await self._renew(connection)
        return True

    async def _hold(self, connection: asyncpg.Connection, work: Callable[[], Awaitable[None]]) -> None:
        async with asyncio.TaskGroup() as group:
            working = group.create_task(_awaited(work))
            while not working.done():
                await asyncio.wait([working], timeout=self._seconds / 4)
                await self._renew(connection)

    async def _renew(self, connection: asyncpg.Connection) -> None:
        sent = time.monotonic()
        async with unavailable_database(), asyncio.timeout(self._seconds / 2):
            await connection.execute("SELECT 1")
        # Less than the server waits: in the last moment something may be on its way.
        self._until = sent + 0.8 * self._seconds

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[asyncpg.Connection]:
        settings = {
            "application_name": APPLICATION,
            "idle_session_timeout": f"{round(1000 * self._seconds)}ms",
            "lock_timeout": f"{_WAIT_SECONDS}s",
        }
        engine = create_async_engine(
            make_url(self._database.url),
            poolclass=NullPool,
            connect_args={"timeout": CONNECT_SECONDS, "server_settings": settings},
        )
        try:
            async with unavailable_database(), engine.connect() as connection:
                driver = (await connection.get_raw_connection()).driver_connection
                assert isinstance(driver, asyncpg.Connection)  # noqa: S101 - the only driver there is
                try:
                    yield driver
                finally:
                    # A farewell might wait for a server that is away.
                    driver.terminate()
        finally:
            await engine.dispose()


async def _awaited(work: Callable[[], Awaitable[None]]) -> None:
    await work()


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
