"""What a measurement stands on: a channel, the suite in either mode, and how thorough to be."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from conda_store_shared.testing.demo_channel import build_demo_channel
from conda_store_shared.testing.demo_channel.server import ChannelServer
from conda_store_shared.testing.servers import S3, Postgres, RabbitMQ
from conda_store_shared.testing.servers.conda_store import (
    Backing,
    DistributedSuite,
    StandaloneSuite,
    Suite,
    migrate_database,
    start_together,
)

STANDALONE, DISTRIBUTED = "standalone", "distributed"
MODES = (STANDALONE, DISTRIBUTED)
# The demo environment of the budgets: some fifty packages, a Python with numpy, a web server and a kernel.
DEMO = ("python", "numpy", "flask", "ipykernel")
SMALL = ("demo-text", "demo-versions")
_SERVERS = ("postgres", "rabbitmq", "s3")


@dataclass(slots=True, kw_only=True)
class Bench:
    """``modes`` the suite is measured in; ``quick`` asks for few repeats, to see that everything works."""

    modes: tuple[str, ...] = MODES
    quick: bool = False
    _stack: ExitStack = field(default_factory=ExitStack, init=False)
    _servers: tuple[Postgres, RabbitMQ, S3] | None = field(default=None, init=False)
    channel: ChannelServer = field(init=False)

    def __enter__(self) -> Self:
        self.channel = self._stack.enter_context(ChannelServer(build_demo_channel().path))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def repeats(self, thorough: int, quick: int) -> int:
        """How often to measure."""
        return quick if self.quick else thorough

    @contextmanager
    def suite(self, mode: str, options: Mapping[str, Any] | None = None) -> Iterator[Suite]:
        """The suite in a fresh directory, with nothing in its caches; options are as in production unless given.

        No channels are listed: the world's would be fetched meanwhile.
        """
        settings = {"CondaStoreServer.log_level": "INFO", "CondaStore.conda_indexed_channels": [], **(options or {})}
        if mode == STANDALONE:
            with StandaloneSuite(self.directory(), settings) as alone:
                yield alone
        else:
            with DistributedSuite(self.directory(), self.backing(), settings) as five:
                yield five

    def directory(self) -> Path:
        """A fresh directory, removed at the very end: a file system is busy for long with a million deleted files."""
        made = Path(tempfile.mkdtemp(prefix="conda-store-bench-"))
        self._stack.callback(shutil.rmtree, made, ignore_errors=True)
        return made

    def pids(self, suite: Suite) -> Mapping[str, int]:
        """The processes that builds on the suite keep busy, by name."""
        pids = {name: process.pid for name, process in suite.processes.items()}
        if isinstance(suite, DistributedSuite):
            pids |= {"gateway": suite.gateway.pid, **self.server_pids()}
        return pids

    def server_pids(self) -> Mapping[str, int]:
        """The servers that the suite stands on, by name."""
        return {name: server.pid for name, server in zip(_SERVERS, self._servers or (), strict=False)}

    def backing(self) -> Backing:
        """A database, a virtual host and a bucket that nobody has used yet."""
        postgres, rabbitmq, s3 = self._servers or self._start_servers()
        database_url = postgres.create_database()
        migrate_database(database_url)
        return Backing(database_url=database_url, amqp_url=rabbitmq.create_vhost(), bucket=s3.create_bucket())

    def _start_servers(self) -> tuple[Postgres, RabbitMQ, S3]:
        # As in production, a commit is on the disk when it is answered.
        servers = Postgres(durable=True), RabbitMQ(), S3()
        for server in servers:
            self._stack.callback(server.discard)
        start_together(servers)
        self._servers = servers
        return servers
