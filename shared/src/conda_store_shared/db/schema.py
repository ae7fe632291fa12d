"""Whether a database has the schema that this code needs, and bringing it there."""

import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import structlog
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import ProgrammingError

from conda_store_shared.db.engine import Database, unavailable_database
from conda_store_shared.errors import ConfigurationError

_VERSIONS = Path(__file__).parent / "migrations" / "versions"
_REVISION = re.compile(r"^(revision|down_revision)\b[^=\n]*= ['\"]([^'\"]+)['\"]", re.MULTILINE)
# A table of ours that no other program has.
_OURS = "outbox"
_COMMAND = "python -m conda_store_shared.db.migrate upgrade --url-file ..."

log = structlog.get_logger()


class SchemaTooOld(ConfigurationError):
    """Raised when the schema is not yet the one that this code needs."""


async def prepare_schema(database: Database, *, upgrade_db: bool) -> None:
    """Upgrade an old schema, of several processes that start at once in one.

    A newer one will do: releases that follow each other serve the schema of both.  Raises SchemaTooOld for an
    old one that may not be upgraded, ConfigurationError for one that is not ours, and DatabaseUnavailable.
    """
    async with unavailable_database(), database.engine.connect() as connection:
        found, is_newer = await connection.run_sync(found_revision)
    newest = newest_revision(known_revisions())
    if not is_newer and found != newest:
        await _upgrade(database, f"the schema of the database is {found or 'missing'}, needed is {newest}", upgrade_db)


def found_revision(connection: Connection) -> tuple[str | None, bool]:
    """Return the revision of the schema, None when there is none, and whether a later release has made it.

    Raises ConfigurationError for tables that are not ours.
    """
    tables = inspect(connection)
    if not tables.has_table("alembic_version"):
        return None, False
    found = connection.scalar(text("SELECT version_num FROM alembic_version"))
    known = known_revisions()
    if found is None or found in known:
        return found, False
    if not tables.has_table(_OURS):
        raise ConfigurationError(f"CondaStore.database_url: the tables there are another program's ({found})")
    log.warning("schema_is_newer", found=found, needed=newest_revision(known))
    return found, True


def known_revisions() -> Mapping[str, str | None]:
    """Every revision of the schema, and the one before it.  Read by pattern: to import Alembic takes its time."""
    tables = (dict(_REVISION.findall(path.read_text())) for path in _VERSIONS.glob("*.py"))
    return {table["revision"]: table.get("down_revision") for table in tables}


def newest_revision(known: Mapping[str, str | None]) -> str:
    """Return the one that is before no other."""
    [newest] = known.keys() - set(known.values())
    return newest


async def _upgrade(database: Database, told: str, upgrade_db: bool) -> None:
    if not upgrade_db:
        raise SchemaTooOld(f"{told}: run `{_COMMAND}`, or let the server do it with CondaStore.upgrade_db=True")
    migrate = import_module("conda_store_shared.db.migrate")
    try:
        await migrate.upgrade(database)
    except ProgrammingError as error:
        raise ConfigurationError(
            f"{told}, and cannot be changed by the user of CondaStore.database_url ({type(error.orig).__name__}): "
            f"run `{_COMMAND}` as the owner of the tables, then start again"
        ) from error
