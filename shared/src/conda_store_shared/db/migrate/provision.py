"""Makes a database what the services need: its logins, its schema, who may write what."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import structlog
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from conda_store_shared.db.engine import Database, unavailable_database
from conda_store_shared.db.migrate import change_schema, upgrade_schema
from conda_store_shared.db.migrate.logins import Login, make_owner, make_roles, make_service_logins
from conda_store_shared.db.schema import found_revision
from conda_store_shared.errors import ConfigurationError, DatabaseUnavailable

_GRANTS = Path(__file__).parent / "grants.sql"
_PROVISION_LOCK = 0x70726F76
_PAUSE = 1.0
_MAY_NOT, _NO_DATABASE = "42501", "3D000"
_REFUSED = ("28000", "28P01")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Provision:
    """Who owns the tables, who serves what, and, where the owner may not make logins, who may."""

    owner: Login
    services: Mapping[str, Sequence[Login]] = field(default_factory=dict)
    administrator: Login | None = None


async def wait_for_database(login: Login, seconds: float) -> None:
    """Return once the server answers; raises DatabaseUnavailable after ``seconds``, ConfigurationError if refused."""
    clock = asyncio.get_running_loop().time
    give_up = clock() + seconds
    async with Database(login.url, 1) as database:
        while True:
            try:
                async with explained(login):
                    return await database.check()
            except (DatabaseUnavailable, TimeoutError) as error:
                if clock() + _PAUSE > give_up:
                    raise DatabaseUnavailable(f"{login.place} does not answer, {seconds:g} s long") from error
                log.info("database_awaited", place=login.place)
            await asyncio.sleep(_PAUSE)


async def provision(wanted: Provision) -> None:
    """Make logins and passwords, the schema, and the grants; of several at once the others wait, and find it done.

    Raises ConfigurationError, DatabaseUnavailable.
    """
    maker = wanted.administrator or wanted.owner
    async with explained(maker), _alone(maker) as connection:
        if wanted.administrator is not None:
            await make_owner(connection, wanted.owner)
        await make_roles(connection)
        await make_service_logins(connection, wanted.services)
        async with explained(wanted.owner), Database(wanted.owner.url, 1) as database:
            await change_schema(database, _upgrade_and_grant)
    names = [login.name for logins in wanted.services.values() for login in logins]
    log.info("database_provisioned", owner=wanted.owner.name, logins=names)


def _upgrade_and_grant(connection: Connection) -> None:
    """In one transaction: a new table is never there without its readers."""
    # Whose tables those of a later release are, only that release knows.
    if not found_revision(connection)[1]:
        upgrade_schema(connection)
        connection.exec_driver_sql(_GRANTS.read_text())


@asynccontextmanager
async def _alone(login: Login) -> AsyncIterator[AsyncConnection]:
    """Open a connection which commits each statement, and which one process has at a time."""
    async with (
        Database(login.url, 1, statement_seconds=None) as database,
        unavailable_database(),
        database.engine.connect() as connection,
    ):
        # A database is not made within a transaction.
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text(f"SELECT pg_advisory_lock({_PROVISION_LOCK})"))
        yield connection


@asynccontextmanager
async def explained(login: Login) -> AsyncIterator[None]:
    """Turn what the server refuses into ConfigurationError: who may not do what, and the remedy."""
    try:
        yield
    except (DBAPIError, asyncpg.PostgresError, DatabaseUnavailable) as error:
        # What cannot be reached may be refused: then its cause says so.
        refused = error.__cause__ if isinstance(error, DatabaseUnavailable) else error
        cause = refused.orig if isinstance(refused, DBAPIError) else refused
        told = _told(login, str(getattr(cause, "sqlstate", "")), _reason(cause))
        if told is None:
            raise
        raise ConfigurationError(f"{login.source}: {told}") from error


def _told(login: Login, state: str, reason: str) -> str | None:
    if state in _REFUSED:
        return f"PostgreSQL refuses {login.place}: {reason}"
    if state == _NO_DATABASE:
        return f"{reason}: make it as its owner {login.name}, or give --admin-url-file, by which it is made"
    if state == _MAY_NOT:
        return (
            f"the user {login.name} may not do that: {reason}.  Logins are made by one with CREATEROLE or by that of "
            "--admin-url-file, tables are changed by their owner (REASSIGN OWNED BY the old one TO the new one)"
        )
    return None


def _reason(error: BaseException | None) -> str:
    """What the server said, without the driver's class in front."""
    return str(error).rpartition(">: ")[2]
