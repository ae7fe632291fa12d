"""The database a configuration asks for."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

import structlog
from traitlets.config import Config

from conda_store_shared.config.conda_store import CondaStore
from conda_store_shared.db.engine import Database
from conda_store_shared.db.schema import SchemaTooOld, prepare_schema
from conda_store_shared.errors import ConfigurationError, DatabaseUnavailable
from conda_store_shared.worker.service import Service

log = structlog.get_logger()
_PAUSE = 2.0
_SQLITE_FILE = "sqlite:///"


def open_database(config: Config, name: str) -> Database:
    """Return the database for one process of several; raises ConfigurationError for SQLite, which serves only one."""
    url = CondaStore(config=config).database_url
    if url.startswith("sqlite"):
        raise ConfigurationError(
            f"{name} shares its database with other processes, which SQLite cannot serve: set "
            "CondaStore.database_url=postgresql://user:password@host/database, or run everything in one process "
            "with `conda-store-server --standalone`"
        )
    return Database(url)


def open_own_database(config: Config) -> Database:
    """Return the database for the only process; the directory of a SQLite file is made when missing."""
    url = CondaStore(config=config).database_url
    if url.startswith(_SQLITE_FILE):
        Path(url.removeprefix(_SQLITE_FILE)).parent.mkdir(parents=True, exist_ok=True)
    return Database(url)


async def prepare_database(config: Config, database: Database) -> Sequence[Service]:
    """Upgrade an old schema if CondaStore.upgrade_db says so; raises ConfigurationError for one that stays old.

    What is returned remains to be run: something, when the database cannot be reached now.
    """
    return await _now_or_later(partial(prepare_schema, database, upgrade_db=CondaStore(config=config).upgrade_db))


async def await_database(config: Config, database: Database) -> Sequence[Service]:
    """Return once the schema is new enough: api, whose it is, upgrades it, unless CondaStore.upgrade_db forbids.

    Raises ConfigurationError for an old one then.  What is returned remains to be run: something, when the database
    cannot be reached now.
    """
    check = partial(prepare_schema, database, upgrade_db=False)
    return await _now_or_later(partial(_when_it_is_new, check) if CondaStore(config=config).upgrade_db else check)


async def _now_or_later(prepare: Callable[[], Awaitable[None]]) -> Sequence[Service]:
    try:
        await prepare()
    except DatabaseUnavailable as error:
        log.warning("schema_waits", reason=error.message)
        return (Service(name="schema", background=(partial(_when_it_is_back, prepare),)),)
    return ()


async def _when_it_is_new(check: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            return await check()
        except SchemaTooOld as error:
            log.warning("schema_waits", reason=error.message)
        await asyncio.sleep(_PAUSE)


async def _when_it_is_back(prepare: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(_PAUSE)
        try:
            return await prepare()
        except DatabaseUnavailable as error:
            log.warning("schema_waits", reason=error.message)
