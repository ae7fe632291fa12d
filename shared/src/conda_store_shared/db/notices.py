"""Word from one process to all others about what a transaction did: NOTIFY and LISTEN of Postgres.

On SQLite there is one process, which tells itself.  A notice may be lost with a connection, so whoever waits for one
looks for himself as well, if less often.
"""

import asyncio
from typing import Any

import asyncpg
import structlog
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from conda_store_shared.db.engine import CONNECT_SECONDS, Database, unavailable_database
from conda_store_shared.db.local_notices import Hear
from conda_store_shared.errors import DatabaseUnavailable

# What the connections that listen are called in pg_stat_activity.
APPLICATION = "conda-store listener"

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0
# A connection that died without a word is noticed by asking.
_ASK_SECONDS = 20.0

log = structlog.get_logger()


async def notify(session: AsyncSession, channel: str, payload: str) -> None:
    """Tell all who listen to ``channel`` once this transaction is committed; ``payload`` is short.

    On SQLite whoever commits tells, by the notices of the database.
    """
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("SELECT pg_notify(:channel, :payload)"), {"channel": channel, "payload": payload})


class Listener:
    """Calls ``hear`` with the payload of each notice on ``channel``, over a connection of its own.

    With an empty one when it begins to listen: what was told before, it did not hear.
    """

    def __init__(self, database: Database, channel: str, hear: Hear) -> None:
        self._database = database
        self._channel = channel
        self._hear = hear
        self._pause = _FIRST_PAUSE

    async def run(self) -> None:
        """Listen until cancelled; waits out an unreachable database."""
        if not self._database.is_postgres:
            with self._database.notices.heard_by(self._channel, self._hear):
                await asyncio.Event().wait()
        while True:
            try:
                await self._listen()
            except (DatabaseUnavailable, TimeoutError) as error:
                log.warning("listener_waits", channel=self._channel, reason=str(error))
            await asyncio.sleep(self._pause)
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    async def _listen(self) -> None:
        engine = create_async_engine(
            make_url(self._database.url),
            poolclass=NullPool,
            connect_args={"timeout": CONNECT_SECONDS, "server_settings": {"application_name": APPLICATION}},
        )
        try:
            async with unavailable_database(), engine.connect() as connection:
                driver = (await connection.get_raw_connection()).driver_connection
                assert isinstance(driver, asyncpg.Connection)  # noqa: S101 - the only driver there is
                lost = asyncio.Event()
                driver.add_termination_listener(lambda _: lost.set())
                await driver.add_listener(self._channel, self._receive)
                log.info("listening", channel=self._channel)
                self._pause = _FIRST_PAUSE
                self._hear("")
                while not lost.is_set():
                    await _wait(lost, _ASK_SECONDS)
                    async with asyncio.timeout(CONNECT_SECONDS):
                        await driver.execute("SELECT 1")
        finally:
            await engine.dispose()

    def _receive(self, _connection: Any, _pid: int, _channel: str, payload: str) -> None:
        self._hear(payload)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
