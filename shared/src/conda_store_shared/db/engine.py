"""Engine and sessions for Postgres (asyncpg) and SQLite (aiosqlite), with bounded waits."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

import asyncpg
from sqlalchemy import event, make_url, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import ORMExecuteState, Session

from conda_store_shared.db.local_notices import LocalNotices
from conda_store_shared.db.reading import PlainReader, PostgresReader, Reader
from conda_store_shared.errors import ConfigurationError, DatabaseUnavailable
from conda_store_shared.telemetry import database as figures

CONNECT_SECONDS = 5
STATEMENT_SECONDS = 15
# SQL state classes: 40 rolled back (deadlock, serialisation), 53 out of resources, 57 shutting down, 08 connection;
# 25P03 is a transaction that the database ended because we stood still.
_TRANSIENT_SQLSTATES = ("40", "53", "57", "08", "25P03")
# The login or the database is refused, as between a change of a password and the restart of whoever uses it.
_REFUSED_SQLSTATES = ("28", "3D")
# The last is what a driver says that is told of the end of its connection when it is asked for something.
_CONNECTION_ERRORS = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.InternalClientError)
# A process that is stopped, or whose machine is gone, must not keep its locks: the relay's holds everybody up.
_SESSION_SETTINGS = {
    "idle_in_transaction_session_timeout": "60s",
    "tcp_keepalives_idle": "15",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "4",
    # Compiling a plan takes longer than any of our statements.
    "jit": "off",
}

_SESSION_OPTIONS: dict[str, Any] = {"expire_on_commit": False, "autoflush": False}
_ONLY_READS = "this session only reads: write in a transaction"


class Database:
    """One pool of connections; ``session()`` and ``reader()`` read, ``shared.transaction`` writes.

    A statement may take ``statement_seconds``, None for ever.  ``notices`` are those of SQLite (``db.notices``).
    """

    def __init__(
        self, url: str, pool_size: int = 10, *, statement_seconds: float | None = STATEMENT_SECONDS
    ) -> None:
        self.url = async_url(url)
        self.is_postgres = make_url(self.url).get_backend_name() == "postgresql"
        self.engine = _postgres(self.url, pool_size, statement_seconds) if self.is_postgres else _sqlite(self.url)
        self._reading = _reading(self.engine, self.is_postgres)
        self._readers = async_sessionmaker(self._reading, sync_session_class=_Reader, **_SESSION_OPTIONS)
        self._writers = async_sessionmaker(self.engine, **_SESSION_OPTIONS)
        self.notices = LocalNotices()
        limit = pool_size if self.is_postgres else 1
        self._connections = asyncio.Semaphore(limit)
        figures.LIMIT.set(limit)

    @asynccontextmanager
    async def session(self, *, write: bool = False) -> AsyncIterator[AsyncSession]:
        """Open a session; raises DatabaseUnavailable when the database does not answer in time.

        Without ``write`` it refuses to write, and each statement sees what is committed when it begins.
        """
        sessions = self._writers if write else self._readers
        async with self._turn(write), unavailable_database(), sessions() as session:
            await session.connection(execution_options={"write": True} if write else {})
            yield session

    @asynccontextmanager
    async def reader(self) -> AsyncIterator[Reader]:
        """Open a connection for columns of rows, at a fraction of what a session costs; raises DatabaseUnavailable."""
        async with self._turn(), unavailable_database():
            if not self.is_postgres:
                async with self.engine.connect() as connection:
                    yield PlainReader(connection)
                return
            # Neither a connection of SQLAlchemy's is opened nor a transaction.
            reader = PostgresReader(await self.engine.raw_connection(), self.engine.dialect)
            try:
                yield reader
            finally:
                await reader.close()

    async def check(self) -> None:
        """Raise DatabaseUnavailable when the database does not answer in time."""
        async with asyncio.timeout(CONNECT_SECONDS), self.session() as session:
            await session.execute(text("SELECT 1"))

    @asynccontextmanager
    async def _turn(self, write: bool = False) -> AsyncIterator[None]:
        """Wait for a connection of Postgres, or for the one writer of SQLite, in the order of coming.

        The pool's queue and SQLite's driver let whoever comes go before those that wait, some of them much too long.
        """
        if not (write or self.is_postgres):
            yield
            return
        if self._connections.locked():
            await self._wait()
        else:
            figures.WAIT.observe(0)
            await self._connections.acquire()
        figures.BUSY.inc()
        try:
            yield
        finally:
            figures.BUSY.dec()
            self._connections.release()

    async def _wait(self) -> None:
        seconds = CONNECT_SECONDS if self.is_postgres else STATEMENT_SECONDS
        try:
            with figures.WAIT.time():
                async with asyncio.timeout(seconds):
                    await self._connections.acquire()
        except TimeoutError as error:
            figures.GIVEN_UP.inc()
            raise DatabaseUnavailable("the database is busy") from error

    async def __aenter__(self) -> "Database":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.engine.dispose()


class _Reader(Session):
    """A session whose statements would be committed one by one, if they wrote anything."""


@event.listens_for(_Reader, "do_orm_execute")
def _refuse_to_change(state: ORMExecuteState) -> None:
    if state.is_insert or state.is_update or state.is_delete:
        raise TypeError(_ONLY_READS)


@event.listens_for(_Reader, "before_flush")
def _refuse_to_flush(*_: object) -> None:
    raise TypeError(_ONLY_READS)


def _reading(engine: AsyncEngine, is_postgres: bool) -> AsyncEngine:
    # BEGIN and ROLLBACK around one SELECT would be two more turns to the server.
    return engine.execution_options(isolation_level="AUTOCOMMIT") if is_postgres else engine


@asynccontextmanager
async def unavailable_database() -> AsyncIterator[None]:
    """Turn whatever a driver raises for an unreachable or restarting database into DatabaseUnavailable."""
    try:
        yield
    except DBAPIError as error:
        if not _is_transient(error):
            raise
        raise DatabaseUnavailable(_told(error.orig)) from error
    except (PoolTimeout, *_CONNECTION_ERRORS, OSError) as error:
        raise DatabaseUnavailable(_told(error)) from error
    except asyncpg.PostgresError as error:
        if not str(error.sqlstate).startswith((*_TRANSIENT_SQLSTATES, *_REFUSED_SQLSTATES)):
            raise
        raise DatabaseUnavailable(_told(error)) from error


def _told(error: BaseException | None) -> str:
    state = str(getattr(error, "sqlstate", None) or "")
    if state.startswith(_REFUSED_SQLSTATES):
        # It names the user or the database, and no password.
        return f"the database refuses us: {str(error).rpartition('>: ')[2]}"
    if state.startswith("40"):
        return f"the database took the change back, because of others at the same time ({state}); please try again"
    if isinstance(error, TimeoutError | PoolTimeout):
        return "the database did not answer in time"
    return "the database cannot be reached" + (f" ({state})" if state else "")


def _is_transient(error: DBAPIError) -> bool:
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return str(state).startswith((*_TRANSIENT_SQLSTATES, *_REFUSED_SQLSTATES))
    # A driver error without an SQL state comes from the connection; SQLite reports a locked or full database so.
    # Its driver is not imported for the sake of asking.
    from_sqlite = type(error.orig).__module__ == "sqlite3"
    return error.connection_invalidated or isinstance(error, OperationalError) or not from_sqlite


def async_url(url: str) -> str:
    """Return a SQLAlchemy address with the asynchronous driver named; raises ConfigurationError for other databases."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # It is not shown: it may hold a password.
        example = "postgresql://user:password@host:5432/database"
        raise ConfigurationError(f"the address of the database cannot be read; it looks like {example}") from None
    drivers = {"postgresql": "postgresql+asyncpg", "sqlite": "sqlite+aiosqlite"}
    backend = parsed.get_backend_name()
    if backend not in drivers:
        raise ConfigurationError(f"database {backend!r} is not supported; use PostgreSQL or SQLite")
    return parsed.set(drivername=drivers[backend]).render_as_string(hide_password=False)


def _postgres(url: str, pool_size: int, statement_seconds: float | None) -> AsyncEngine:
    return create_async_engine(
        url,
        hide_parameters=True,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=CONNECT_SECONDS,
        connect_args={
            "timeout": CONNECT_SECONDS,
            "command_timeout": statement_seconds,
            "server_settings": _SESSION_SETTINGS,
        },
    )


def _sqlite(url: str) -> AsyncEngine:
    # It takes two megabytes, which whoever stands on Postgres does without.
    driver = import_module("conda_store_shared.db.sqlite").DRIVER
    engine = create_async_engine(url, module=driver, hide_parameters=True, connect_args={"timeout": STATEMENT_SECONDS})
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver's own transactions begin too late and deferred; we say BEGIN ourselves.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=15000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A write transaction takes the lock at once: one that reads first and writes later would fail instead of waiting.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("write") else "BEGIN")
