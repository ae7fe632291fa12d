"""A suite with servers of its own, which a test may harm."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text

from conda_store_shared.db.engine import Database
from conda_store_shared.testing.servers import S3, Postgres, RabbitMQ
from conda_store_shared.testing.servers.conda_store import (
    Backing,
    CommandProcess,
    DistributedSuite,
    migrate_database,
    start_together,
)

# A quorum queue declared moments before its broker is killed is lost (RabbitMQ 3.10).
_SETTLED_SECONDS = 3


class Cluster:
    """Five processes and the servers they stand on."""

    def __init__(self, directory: Path) -> None:
        self.postgres, self.rabbitmq, self.s3 = Postgres(durable=True), RabbitMQ(), S3()
        self.directory = directory

    @contextmanager
    def running(self) -> Iterator["Cluster"]:
        """Start everything; end it by pid."""
        servers = (self.postgres, self.rabbitmq, self.s3)
        try:
            start_together(servers)
            self.database_url = self.postgres.create_database()
            migrate_database(self.database_url)
            backing = Backing.narrow(self.postgres, self.rabbitmq, self.database_url, self.s3.create_bucket())
            with DistributedSuite(self.directory, backing) as self.suite:
                time.sleep(_SETTLED_SECONDS)
                yield self
        finally:
            for server in servers:
                server.discard()

    def process(self, name: str) -> CommandProcess:
        """One process of the suite."""
        return self.suite.processes[name]


def query(cluster: Cluster, statement: str) -> Sequence[tuple[object, ...]]:
    """Return rows of the suite's database."""

    async def rows() -> Sequence[tuple[object, ...]]:
        async with Database(cluster.database_url) as database, database.session() as session:
            return [tuple(row) for row in await session.execute(text(statement))]

    return asyncio.run(rows())
