"""Brings a database to the newest schema, or back to an older one."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from conda_store_shared.db.engine import Database, unavailable_database
from conda_store_shared.db.schema import found_revision

_SCRIPTS = Path(__file__).parents[1] / "migrations"
_MIGRATION_LOCK = 0x6D696772_61


def alembic_config(connection: Connection) -> Config:
    """Configuration of Alembic on ``connection``."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.set_main_option("file_template", "%%(year)d_%%(month).2d_%%(day).2d_%%(hour).2d%%(minute).2d-%%(slug)s")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def upgrade_schema(connection: Connection) -> None:
    """Upgrade to the newest schema, in the transaction of ``connection``; one of a later release stays as it is.

    Raises ConfigurationError for tables that are not ours.
    """
    if connection.dialect.name == "postgresql":
        # Several services may start at once: one migrates, the others wait and find nothing to do.
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
    if not found_revision(connection)[1]:
        command.upgrade(alembic_config(connection), "head")


async def upgrade(database: Database) -> None:
    """Upgrade ``database`` to the newest schema; raises DatabaseUnavailable."""
    await change_schema(database, upgrade_schema)


async def downgrade(database: Database, revision: str) -> None:
    """Take ``database`` back to an older schema; what that cannot hold is lost.  Raises DatabaseUnavailable."""
    await change_schema(database, lambda connection: command.downgrade(alembic_config(connection), revision))


async def change_schema(database: Database, change: Callable[[Connection], None]) -> None:
    """Make a change in which tables may be built anew; raises DatabaseUnavailable.

    To drop a table of SQLite is to delete its rows, and with them, where foreign keys hold, all that refer to them.
    """
    # To index a large table takes its time, and so may whoever migrates before us.
    patient = Database(database.url, 1, statement_seconds=None) if database.is_postgres else nullcontext(database)
    async with unavailable_database(), patient as opened, opened.engine.connect() as connection:
        # Before the transaction begins: SQLite then takes its lock at once, and another process waits.
        await connection.execution_options(write=True)
        async with _without_foreign_keys(connection), connection.begin():
            await connection.run_sync(change)
            if connection.dialect.name == "sqlite":
                dangling = (await connection.execute(text("PRAGMA foreign_key_check"))).first()
                assert dangling is None, f"the change left rows that refer to nothing: {dangling}"  # noqa: S101


@asynccontextmanager
async def _without_foreign_keys(connection: AsyncConnection) -> AsyncIterator[None]:
    driver = (await connection.get_raw_connection()).driver_connection
    if connection.dialect.name != "sqlite" or driver is None:
        yield
        return
    # Heeded outside of transactions only.
    await driver.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        await driver.execute("PRAGMA foreign_keys=ON")
