"""What a server does about a schema that is not the one it needs (contract §5.1, upgrade_db)."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import structlog
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import text
from traitlets.config import Config

from conda_store_shared.assembly.database import await_database, prepare_database
from conda_store_shared.db.engine import Database
from conda_store_shared.db.migrate import alembic_config, change_schema, upgrade
from conda_store_shared.db.schema import known_revisions, newest_revision, prepare_schema
from conda_store_shared.errors import ConfigurationError
from conda_store_shared.testing.servers import free_port


@pytest.fixture
async def database(empty_postgres_url: str) -> AsyncIterator[Database]:
    """An empty database."""
    async with Database(empty_postgres_url) as opened:
        yield opened


async def revision(database: Database) -> str:
    async with database.engine.connect() as connection:
        return str(await connection.scalar(text("SELECT version_num FROM alembic_version")))


async def make_old(database: Database) -> None:
    await upgrade(database)
    await change_schema(database, lambda connection: command.downgrade(alembic_config(connection), "-1"))


async def test_revisions_are_those_that_alembic_knows(database: Database) -> None:
    async with database.engine.connect() as connection:
        scripts = await connection.run_sync(lambda sync: ScriptDirectory.from_config(alembic_config(sync)))
    assert newest_revision(known_revisions()) == scripts.get_current_head()
    assert dict(known_revisions()) == {each.revision: each.down_revision for each in scripts.walk_revisions()}


async def test_old_schema_is_upgraded_when_upgrade_db_says_so(database: Database) -> None:
    await make_old(database)
    # Two at once: one upgrades, the other waits for it.
    await asyncio.gather(*(prepare_schema(database, upgrade_db=True) for _ in range(2)))
    assert await revision(database) == newest_revision(known_revisions())
    assert await prepare_database(Config(), database) == ()


@pytest.mark.parametrize("is_empty", [True, False])
async def test_old_schema_is_refused_with_the_remedy_when_upgrade_db_forbids(
    database: Database, is_empty: bool
) -> None:
    if not is_empty:
        await make_old(database)
    found = "missing" if is_empty else await revision(database)
    told = f"^the schema of the database is {found}, needed is .*db.migrate upgrade --url-file.*upgrade_db=True"
    with pytest.raises(ConfigurationError, match=told):
        await prepare_database(Config({"CondaStore": {"upgrade_db": False}}), database)
    await prepare_schema(database, upgrade_db=True)
    await prepare_schema(database, upgrade_db=False)


async def test_newer_schema_will_do_and_that_of_another_program_will_not(database: Database) -> None:
    await upgrade(database)
    async with database.engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = 'f00d'"))
    await prepare_schema(database, upgrade_db=False)
    await prepare_schema(database, upgrade_db=True)
    # Whoever goes back to this release starts its job of migrations as well.
    await upgrade(database)
    assert await revision(database) == "f00d"
    async with database.engine.begin() as connection:
        await connection.execute(text("DROP TABLE outbox"))
    with pytest.raises(ConfigurationError, match=r"another program's \(f00d\)"):
        await prepare_schema(database, upgrade_db=True)


async def test_schema_of_somebody_elses_is_left_to_its_owner(database: Database) -> None:
    await make_old(database)
    url = database.url
    async with database.engine.begin() as connection:
        for statement in (
            "CREATE ROLE reader_of_schemas LOGIN PASSWORD 'reader'",
            "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader_of_schemas",
        ):
            await connection.execute(text(statement))
    credentials, _, place = url.rpartition("@")
    scheme, _, _ = credentials.partition("//")
    try:
        async with Database(f"{scheme}//reader_of_schemas:reader@{place}") as reader:
            with pytest.raises(ConfigurationError, match="as the owner of the tables, then start again"):
                await prepare_schema(reader, upgrade_db=True)
    finally:
        async with database.engine.begin() as connection:
            await connection.execute(text("DROP OWNED BY reader_of_schemas"))
            await connection.execute(text("DROP ROLE reader_of_schemas"))


async def test_service_that_has_few_tables_waits_until_api_has_upgraded(database: Database) -> None:
    await make_old(database)
    waiting = asyncio.create_task(await_database(Config(), database))
    await asyncio.sleep(0.5)
    assert not waiting.done()
    await prepare_schema(database, upgrade_db=True)
    assert await waiting == ()


async def test_service_that_has_few_tables_refuses_an_old_schema_when_nobody_upgrades_it(database: Database) -> None:
    never = Config({"CondaStore": {"upgrade_db": False}})
    await make_old(database)
    with pytest.raises(ConfigurationError, match="the schema of the database is"):
        await await_database(never, database)
    await upgrade(database)
    assert await await_database(never, database) == ()


async def test_schema_waits_when_the_login_is_refused_and_says_why(database: Database) -> None:
    place = database.url.rpartition("@")[2].rpartition("/")[0]
    async with Database(f"postgresql://nobody:hidden@{place}/none") as refused:
        with structlog.testing.capture_logs() as logged:
            assert len(await prepare_database(Config(), refused)) == 1
    [said] = logged
    assert said["reason"].startswith("the database refuses us: ")
    assert "hidden" not in str(said)


async def test_schema_waits_for_a_database_that_is_away() -> None:
    async with Database(f"postgresql://nobody@127.0.0.1:{free_port()}/nothing") as away:
        assert len(await prepare_database(Config(), away)) == 1
