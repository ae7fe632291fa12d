"""The PostgreSQL of the tests: clones, crashes, and what survives them."""

import os
from pathlib import Path

import asyncpg
import pytest

from conda_store_shared.testing.servers import Databases, Postgres, ServerNotInstalled, ServerNotReady
from conda_store_shared.testing.servers.process import find_program


def libpq(url: str) -> str:
    """The same database in asyncpg's own form."""
    return url.replace("+asyncpg", "")


async def test_database_is_a_clone_when_made_from_a_template(postgres_server: Databases) -> None:
    template = postgres_server.create_database()
    connection = await asyncpg.connect(libpq(template))
    await connection.execute("CREATE TABLE thing AS SELECT 7 AS answer")
    await connection.close()
    clone = await asyncpg.connect(libpq(postgres_server.create_database(template)))
    assert await clone.fetchval("SELECT answer FROM thing") == 7
    await clone.close()


async def test_databases_know_nothing_of_each_other(empty_postgres_url: str, postgres_server: Databases) -> None:
    other = postgres_server.create_database()
    connection = await asyncpg.connect(libpq(empty_postgres_url))
    await connection.execute("CREATE TABLE thing ()")
    await connection.close()
    neighbour = await asyncpg.connect(libpq(other))
    assert await neighbour.fetchval("SELECT to_regclass('thing')") is None
    await neighbour.close()


def test_refused_statement_is_an_error_with_the_reason(postgres_server: Databases) -> None:
    with pytest.raises(ServerNotReady, match="no_such_table"):
        postgres_server.execute("SELECT * FROM no_such_table")


async def test_durable_postgres_keeps_what_was_committed_when_killed() -> None:
    with Postgres(durable=True) as postgres:
        url = libpq(postgres.create_database())
        connection = await asyncpg.connect(url)
        await connection.execute("CREATE TABLE thing AS SELECT 7 AS answer")
        postgres.kill()
        assert not postgres.is_ready()
        with pytest.raises(OSError, match="onnect"):
            await asyncpg.connect(url)
        connection.terminate()
        postgres.start()
        again = await asyncpg.connect(url)
        assert await again.fetchval("SELECT answer FROM thing") == 7
        await again.close()


def test_postgres_leaves_nothing_behind() -> None:
    with Postgres() as postgres:
        pid, directory = postgres.pid, postgres.directory
        postgres.restart()
        assert postgres.pid != pid
        pid = postgres.pid
    assert not directory.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_missing_program_is_one_line_that_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(ServerNotInstalled, match=r"^no-such-server is missing: install some-package") as caught:
        find_program("no-such-server", "some-package", str(tmp_path))
    assert "\n" not in str(caught.value)


async def test_database_of_a_test_has_the_newest_schema(postgres_url: str) -> None:
    connection = await asyncpg.connect(libpq(postgres_url))
    assert await connection.fetchval("SELECT count(*) FROM build") == 0
    assert await connection.fetchval("SELECT version_num FROM alembic_version")
    await connection.close()
