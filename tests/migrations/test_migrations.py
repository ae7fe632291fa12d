"""The migrations, on both databases: they make what the models say, and go back."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from conda_store_shared.db.engine import Database
from conda_store_shared.db.migrate import alembic_config, change_schema, upgrade
from conda_store_shared.db.models import Model
from conda_store_shared.db.schema import known_revisions
from conda_store_shared.storage.filesystem import FilesystemStore
from tests.migrations.filled_tables import ROWS, count_rows, fill_tables
from tests.unit.api.ledger_builders import Ledger


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'conda-store.sqlite'}"
    empty: str = request.getfixturevalue("empty_postgres_url")
    return empty


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """The database, upgraded."""
    async with Database(url) as opened:
        await upgrade(opened)
        yield opened


def differences(connection: Connection) -> list[Any]:
    """What stands between the database and the models."""
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": False})
    return list(compare_metadata(context, Model.metadata))


def table_names(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


async def move(database: Database, step: Callable[[Config, str], None], revision: str) -> None:
    """Go to another revision."""
    await change_schema(database, lambda connection: step(alembic_config(connection), revision))


async def test_database_is_as_the_models_say_when_upgraded(database: Database) -> None:
    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
        assert await connection.run_sync(table_names) == {*Model.metadata.tables, "alembic_version"}


async def test_nothing_changes_when_upgraded_again(database: Database) -> None:
    await upgrade(database)
    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_upgrade_takes_its_time_when_it_has_to_wait(empty_postgres_url: str) -> None:
    async with (
        Database(empty_postgres_url, statement_seconds=0.3) as impatient,
        Database(empty_postgres_url) as other,
        asyncio.TaskGroup() as group,other.engine.begin() as connection
    ):
        await connection.execute(text("CREATE TABLE build (id integer)"))
        upgrading = group.create_task(upgrade(impatient))
        # Longer than a statement of the application may take.
        await asyncio.sleep(1)
        assert not upgrading.done()
        await connection.execute(text("DROP TABLE build"))
    async with Database(empty_postgres_url) as database, database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_database_goes_back_and_forth_when_it_is_filled(database: Database, tmp_path: Path) -> None:
    async with FilesystemStore(tmp_path / "objects") as store:
        ledger = Ledger(database, store)
        await ledger.completed()
        await ledger.release()
        await ledger.submit("other", "another")
    await move(database, command.downgrade, "base")
    async with database.engine.connect() as connection:
        assert await connection.run_sync(table_names) == {"alembic_version"}
    await upgrade(database)
    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_database_loses_nothing_that_the_older_schema_holds_when_every_table_is_filled(
    database: Database, tmp_path: Path
) -> None:
    async with FilesystemStore(tmp_path / "objects") as store:
        await Ledger(database, store).completed()
    async with database.engine.begin() as connection:
        await fill_tables(connection)
        full = await count_rows(connection)
    assert {name for name, rows in full.items() if rows < ROWS} == set()
    known = known_revisions()
    # One step after the other down to the first, and all the way up again over the rows that are left.
    for _ in range(len(known) - 1):
        await move(database, command.downgrade, "-1")
        async with database.engine.connect() as connection:
            left = await count_rows(connection)
        assert left == {name: full[name] for name in left}
    await upgrade(database)
    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
        again = await count_rows(connection)
    assert {name: again[name] for name in left} == left
    await move(database, command.downgrade, "base")
    async with database.engine.connect() as connection:
        assert await count_rows(connection) == {}


async def test_rows_survive_when_the_last_migration_is_undone_and_done_again(
    database: Database, tmp_path: Path
) -> None:
    async with FilesystemStore(tmp_path / "objects") as store:
        build = await Ledger(database, store).completed()
    for step, revision in ((command.downgrade, "-1"), (command.upgrade, "head")):
        await move(database, step, revision)
    async with database.engine.connect() as connection:
        assert await connection.scalar(text("SELECT max(id) FROM build")) == build.id
        assert await connection.scalar(text("SELECT count(*) FROM stage_attempt")) == 2


async def test_ids_of_builds_and_environments_are_given_once_when_their_rows_are_gone(
    database: Database, tmp_path: Path
) -> None:
    async with FilesystemStore(tmp_path / "objects") as store:
        ledger = Ledger(database, store)
        first = await ledger.submit()
        for step, revision in ((command.downgrade, "-1"), (command.upgrade, "head")):
            await move(database, step, revision)
        async with database.engine.begin() as connection:
            for table in ("build", "environment"):
                await connection.execute(text(f"DELETE FROM {table}"))
        second = await ledger.submit()
    assert second.id > first.id
    assert second.environment_id > first.environment_id


async def test_database_is_upgraded_once_when_processes_start_at_once(url: str) -> None:
    arguments = ("-m", "conda_store_shared.db.migrate", "upgrade", "--url", url)
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, *arguments, stderr=asyncio.subprocess.PIPE)
        for _ in range(3)
    ]
    async with asyncio.timeout(60):
        ends = [await process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], ends
    async with Database(url) as database, database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
        assert await connection.scalar(text("SELECT count(*) FROM alembic_version")) == 1
