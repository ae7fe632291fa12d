"""The job of a cluster does on a database what it is there for."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from conda_store_shared.db.migrate.__main__ import perform
from conda_store_shared.db.migrate.logins import SERVICES
from conda_store_shared.testing.servers import Databases
from tests.kubernetes.configuration import SECRETS, mounted
from tests.kubernetes.manifests import Layout


@pytest.fixture
def database(postgres_server: Databases) -> Iterator[str]:
    """The address of an empty database."""
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


def login(url: str, name: str) -> str:
    """The address by which somebody else logs in."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(scheme="postgresql", netloc=f"{name}:word@{place}"))


async def test_job_makes_each_login_with_its_own_tables(one_builder: Layout, database: str, tmp_path: Path) -> None:
    [container] = one_builder.pods()["migrate"]["spec"]["containers"]
    assert container["command"] == ["python", "-m", "conda_store_shared.db.migrate"]
    files = mounted(one_builder, "migrate")
    name = urlsplit(database).path.lstrip("/")
    urls = {"database_url": login(database, "postgres")}
    urls |= {f"database_url_{service}": login(database, f"{name}_{service}") for service in SERVICES}
    assert set(urls) == set(files)
    for file, url in urls.items():
        (tmp_path / file).write_text(url)
    await perform(*(argument.replace(SECRETS, str(tmp_path)) for argument in container["args"]))
    tables = {"api": "namespace", "auth": "token", "artifacts": "blob"}
    for service in SERVICES:
        connection = await asyncpg.connect(urls[f"database_url_{service}"])
        try:
            may = {
                table: await connection.fetchval("SELECT has_table_privilege($1, 'INSERT')", table)
                for table in tables.values()
            }
        finally:
            await connection.close()
        assert may == {table: owner == service for owner, table in tables.items()}
