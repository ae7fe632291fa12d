"""The pytest plugin over the real servers: those that the collected tests need start at once, side by side."""

import asyncio
import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest

from conda_store_shared.db import migrate
from conda_store_shared.db.engine import Database
from conda_store_shared.testing.servers import (
    MANAGEMENT_PORT,
    S3,
    Bucket,
    Databases,
    ExternalPostgres,
    ExternalRabbitMQ,
    Postgres,
    RabbitMQ,
    S3Account,
    ServerProcess,
    VirtualHosts,
)

# Each of these may name a running server, which is then used in place of one of our own.
DATABASE_VARIABLE = "TEST_DATABASE_URL"
AMQP_VARIABLE = "TEST_AMQP_URL"
AMQP_MANAGEMENT_VARIABLE = "TEST_AMQP_MANAGEMENT_PORT"
S3_VARIABLE = "TEST_S3_URL"

SERVERS: dict[str, tuple[str, type[ServerProcess]]] = {
    "postgres_server": (DATABASE_VARIABLE, Postgres),
    "rabbitmq_server": (AMQP_VARIABLE, RabbitMQ),
    "s3_server": (S3_VARIABLE, S3),
}

Server = TypeVar("Server", bound=ServerProcess)


class RunServers:
    """The servers of this test run; each starts in a thread, once."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=len(SERVERS), thread_name_prefix="server-start")
        self._starts: dict[type[ServerProcess], Future[ServerProcess]] = {}

    def begin(self, kind: type[ServerProcess]) -> "Future[ServerProcess]":
        """Start a server without waiting for it."""
        if kind not in self._starts:
            self._starts[kind] = self._threads.submit(lambda: kind().__enter__())
        return self._starts[kind]

    def get(self, kind: type[Server]) -> Server:
        """The running server; raises what its start raised."""
        server = self.begin(kind).result()
        assert isinstance(server, kind)
        return server

    def end(self) -> None:
        """End every server that was begun."""
        self._threads.shutdown()
        for start in self._starts.values():
            if start.exception() is None:
                start.result().discard()


RUN_SERVERS = pytest.StashKey[RunServers]()


def pytest_configure(config: pytest.Config) -> None:
    """Make the place where the run keeps its servers."""
    config.stash[RUN_SERVERS] = RunServers()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin to start what the collected tests are going to ask for, while those that need nothing run."""
    if session.config.option.collectonly:
        return
    wanted = {name for item in session.items if isinstance(item, pytest.Function) for name in item.fixturenames}
    for fixture, (variable, kind) in SERVERS.items():
        if fixture in wanted and variable not in os.environ:
            session.config.stash[RUN_SERVERS].begin(kind)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the servers, whatever the tests did."""
    config.stash[RUN_SERVERS].end()


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> Databases:
    """PostgreSQL, for databases; a test that stops or kills it makes a `Postgres` of its own."""
    url = os.environ.get(DATABASE_VARIABLE)
    return ExternalPostgres(url) if url else pytestconfig.stash[RUN_SERVERS].get(Postgres)


@pytest.fixture(scope="session")
def rabbitmq_server(pytestconfig: pytest.Config) -> VirtualHosts:
    """RabbitMQ, for virtual hosts; a test that stops or kills it makes a `RabbitMQ` of its own."""
    url = os.environ.get(AMQP_VARIABLE)
    if not url:
        return pytestconfig.stash[RUN_SERVERS].get(RabbitMQ)
    return ExternalRabbitMQ(url, management_port=int(os.environ.get(AMQP_MANAGEMENT_VARIABLE, MANAGEMENT_PORT)))


@pytest.fixture(scope="session")
def s3_server(pytestconfig: pytest.Config) -> S3Account:
    """S3, for buckets; a test that stops it makes an `S3` of its own."""
    url = os.environ.get(S3_VARIABLE)
    return S3Account.from_url(url) if url else pytestconfig.stash[RUN_SERVERS].get(S3).account


@pytest.fixture
def empty_postgres_url(postgres_server: Databases) -> Iterator[str]:
    """SQLAlchemy URL of an empty database of this test's own."""
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture(scope="session")
def postgres_template(postgres_server: Databases) -> Iterator[str]:
    """SQLAlchemy URL of a database with the newest schema, to be cloned and left alone."""
    url = postgres_server.create_database()
    asyncio.run(_migrate(url))
    yield url
    postgres_server.drop_database(url)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database with the newest schema and no rows, to be copied and left alone."""
    path = tmp_path_factory.mktemp("schema") / "template.sqlite"
    asyncio.run(_migrate(f"sqlite:///{path}"))
    return path


async def _migrate(url: str) -> None:
    async with Database(url) as database:
        await migrate.upgrade(database)


@pytest.fixture
def postgres_url(postgres_server: Databases, postgres_template: str) -> Iterator[str]:
    """SQLAlchemy URL of a database of this test's own, with the newest schema and no rows."""
    url = postgres_server.create_database(postgres_template)
    yield url
    postgres_server.drop_database(url)


@pytest.fixture
def amqp_url(rabbitmq_server: VirtualHosts) -> Iterator[str]:
    """AMQP URL of an empty virtual host of this test's own."""
    url = rabbitmq_server.create_vhost()
    yield url
    rabbitmq_server.delete_vhost(url)


@pytest.fixture
def s3_bucket(s3_server: S3Account) -> Bucket:
    """An empty bucket of this test's own."""
    return s3_server.create_bucket()
