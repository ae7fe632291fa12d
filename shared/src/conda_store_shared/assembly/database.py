"""The database a configuration asks for."""

from pathlib import Path

from traitlets.config import Config

from conda_store_shared.config.conda_store import CondaStore
from conda_store_shared.db.engine import Database
from conda_store_shared.errors import ConfigurationError

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
