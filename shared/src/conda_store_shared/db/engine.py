"""Engine and sessions for Postgres (asyncpg) and SQLite (aiosqlite), with bounded waits."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from sqlalchemy import event, make_url, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from conda_store_shared.errors import ConfigurationError, DatabaseUnavailable

CONNECT_SECONDS = 5
STATEMENT_SECONDS = 15
# SQL state classes: 40 rolled back (deadlock, serialisation), 53 out of resources, 57 shutting down, 08 connection;
# 25P03 is a transaction that the database ended because we stood still.
_TRANSIENT_SQLSTATES = ("40", "53", "57", "08", "25P03")
# A process that is stopped, or whose machine is gone, must not keep its locks: the relay's holds everybody up.
_SESSION_SETTINGS = {
    "idle_in_transaction_session_timeout": "60s",
    "tcp_keepalives_idle": "15",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "4",
}


class Database:
    """One pool of connections; ``sessions()`` reads, ``shared.transaction`` writes."""

    def __init__(self, url: str, pool_size: int = 10) -> None:
        self.url = async_url(url)
        self.is_postgres = make_url(self.url).get_backend_name() == "postgresql"
        self.engine = _create_engine(self.url, self.is_postgres, pool_size)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False, autoflush=False)
        self._writing = asyncio.Lock()

    @asynccontextmanager
    async def session(self, *, write: bool = False) -> AsyncIterator[AsyncSession]:
        """Open a session; raises DatabaseUnavailable when the database does not answer in time."""
        with_options = {"write": True} if write else {}
        async with self._turn(write), unavailable_database(), self._sessions() as session:
            await session.connection(execution_options=with_options)
            yield session

    async def check(self) -> None:
        """Raise DatabaseUnavailable when the database does not answer in time."""
        async with asyncio.timeout(CONNECT_SECONDS), self.session() as session:
            await session.execute(text("SELECT 1"))

    @asynccontextmanager
    async def _turn(self, write: bool) -> AsyncIterator[None]:
        """Let writers to SQLite go one by one: those that wait in the driver are served in no order, some late."""
        if self.is_postgres or not write:
            yield
            return
        try:
            async with asyncio.timeout(STATEMENT_SECONDS):
                await self._writing.acquire()
        except TimeoutError as error:
            raise DatabaseUnavailable("the database is busy") from error
        try:
            yield
        finally:
            self._writing.release()

    async def __aenter__(self) -> "Database":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.engine.dispose()


@asynccontextmanager
async def unavailable_database() -> AsyncIterator[None]:
    """Turn whatever a driver raises for an unreachable or restarting database into DatabaseUnavailable."""
    try:
        yield
    except DBAPIError as error:
        if not _is_transient(error):
            raise
        raise DatabaseUnavailable("the database cannot be reached") from error
    except (PoolTimeout, asyncpg.PostgresConnectionError, asyncpg.InterfaceError, OSError) as error:
        raise DatabaseUnavailable("the database cannot be reached") from error
    except asyncpg.PostgresError as error:
        if not str(error.sqlstate).startswith(_TRANSIENT_SQLSTATES):
            raise
        raise DatabaseUnavailable("the database cannot be reached") from error


def _is_transient(error: DBAPIError) -> bool:
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return str(state).startswith(_TRANSIENT_SQLSTATES)
    # A driver error without an SQL state comes from the connection; SQLite reports a locked or full database so.
    from_sqlite = isinstance(error.orig, sqlite3.Error)
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


def _create_engine(url: str, is_postgres: bool, pool_size: int) -> AsyncEngine:
    if is_postgres:
        return create_async_engine(
            url,
            hide_parameters=True,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=CONNECT_SECONDS,
            connect_args={
                "timeout": CONNECT_SECONDS,
                "command_timeout": STATEMENT_SECONDS,
                "server_settings": _SESSION_SETTINGS,
            },
        )
    engine = create_async_engine(url, hide_parameters=True, connect_args={"timeout": STATEMENT_SECONDS})
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
