"""The suite itself as a server: one process standing alone, or five behind the gateway on real parts."""

import asyncio
import http.client
import os
import signal
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self
from urllib.parse import urlsplit

from conda_store_shared.db.engine import Database
from conda_store_shared.db.migrate import upgrade
from conda_store_shared.testing.recorded_events import check_recorded_events
from conda_store_shared.testing.servers.gateway import Gateway, Upstreams
from conda_store_shared.testing.servers.postgres import Databases
from conda_store_shared.testing.servers.process import ServerProcess, find_script, free_port
from conda_store_shared.testing.servers.rabbitmq import VirtualHosts
from conda_store_shared.testing.servers.s3 import Bucket

SECRET = "a-secret-that-only-tests-ever-use-0123456789"
SIGNING_KEY = """\
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIA0ZL5Bn0KAHy2g9ic66AUY3zaxuzigD2zz8UDZL57Xv
-----END PRIVATE KEY-----
"""
# Times of the ledger in seconds, so that what takes minutes in production takes moments in a test.
QUICK: Mapping[str, Any] = {
    "Ledger.silence": 6.0,
    "Ledger.unheard": 2.0,
    "Ledger.rescue_interval": 1.0,
    "Ledger.first_retry": 0.5,
    "Ledger.longest_retry": 2.0,
    "CondaStoreWorker.heartbeat": 1.0,
    # Nothing is fetched from the world unless a test says what.
    "CondaStore.conda_indexed_channels": [],
    "CondaStoreServer.log_level": "INFO",
    # Nobody's machine is too full for the tests' small builds.
    "CondaStore.storage_threshold": 0,
    # Receivers are here.
    "CondaStore.webhook_allowed_networks": ["127.0.0.0/8"],
}


class CommandProcess(ServerProcess):
    """One command of the suite with a configuration file; ready when `/health/ready` says so.

    The file has a line for each option, and then `text`.
    """

    start_timeout = 60.0

    def __init__(self, command: Sequence[str], options: Mapping[str, Any], text: str = "") -> None:
        self.name = command[0]
        self.port = free_port()
        self.arguments = tuple(command[1:])
        self.program = find_script(command[0], "the workspace by `make setup`")
        super().__init__()
        self.options = {**options, "CondaStoreServer.address": "127.0.0.1", "CondaStoreServer.port": self.port}
        self.text = text

    @property
    def url(self) -> str:
        """The address, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def prepare(self) -> None:
        lines = [f"c.{name} = {value!r}" for name, value in self.options.items()]
        (self.directory / "conda_store_config.py").write_text("\n".join([*lines, self.text, ""]))

    def command(self) -> Sequence[str | Path]:
        return [self.program, "--config", self.directory / "conda_store_config.py", *self.arguments]

    def is_ready(self) -> bool:
        return self.health() == http.client.OK

    def health(self) -> int | None:
        """Status of `/health/ready`; None when nothing answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/health/ready")
            with connection.getresponse() as answer:
                return answer.status
        except OSError:
            return None
        finally:
            connection.close()

    def crash(self) -> None:
        """SIGKILL the service alone, and wait until its children have noticed."""
        os.kill(self.pid, signal.SIGKILL)
        self.kill()


class Suite(Protocol):
    """The suite under test, whichever way it runs."""

    @property
    def url(self) -> str:
        """The public address, without a slash at the end."""
        ...

    @property
    def store_directory(self) -> Path:
        """Where prefixes and links are."""
        ...

    @property
    def processes(self) -> Mapping[str, CommandProcess]:
        """The processes of the suite by name."""
        ...

    def object_keys(self) -> set[str]:
        """The key of every object in the store."""
        ...


class StandaloneSuite:
    """Everything in one process: SQLite, files, bus in memory."""

    def __init__(self, directory: Path, options: Mapping[str, Any] = QUICK, text: str = "") -> None:
        self.store_directory = directory / "state"
        self._objects = directory / "storage"
        self._process = CommandProcess(
            ("conda-store-server", "--standalone"),
            {
                "CondaStore.store_directory": str(self.store_directory),
                "CondaStore.database_url": f"sqlite:///{directory / 'conda-store.sqlite'}",
                "LocalStorage.storage_path": str(self._objects),
                "CondaStoreWorker.cache_directory": str(directory / "cache"),
                "CondaStoreWorker.watch_paths": [str(directory / "watched")],
                **options,
            },
            text,
        )

    @property
    def url(self) -> str:
        """The public address, without a slash at the end."""
        return self._process.url

    @property
    def processes(self) -> Mapping[str, CommandProcess]:
        """The only process."""
        return {"standalone": self._process}

    def object_keys(self) -> set[str]:
        """The key of every object in the store."""
        paths = (path.relative_to(self._objects) for path in self._objects.rglob("*") if path.is_file())
        return {str(path) for path in paths if not path.parts[0].startswith(".")}

    def __enter__(self) -> Self:
        self._process.__enter__()
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        self._process.discard()
        if error is None:
            check_recorded_events(self._process.options["CondaStore.database_url"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Backing:
    """What five processes stand on: addresses of a migrated database and of a virtual host, and a bucket."""

    database_url: str
    amqp_url: str
    bucket: Bucket
    logins: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def narrow(cls, postgres: Databases, rabbitmq: VirtualHosts, database_url: str, bucket: Bucket) -> "Backing":
        """With a login of the database and a user of the broker for each service, which may do what it must."""
        amqp_url = rabbitmq.create_vhost()
        users, logins = rabbitmq.narrow(amqp_url), postgres.narrow(database_url)
        of_service = {
            name: {
                "Bus.url": users[name],
                # Those without tables of their own have no use for a database.
                "CondaStore.database_url": logins.get(name, "postgresql://nobody@127.0.0.1:1/none"),
            }
            for name in DistributedSuite.names
        }
        return cls(database_url=database_url, amqp_url=amqp_url, bucket=bucket, logins=of_service)

    def options(self) -> dict[str, Any]:
        """The options that say so."""
        endpoint = urlsplit(self.bucket.account.endpoint)
        secure = endpoint.scheme == "https"
        return {
            "CondaStore.database_url": self.database_url,
            "Bus.url": self.amqp_url,
            "S3Storage.internal_endpoint": endpoint.netloc,
            "S3Storage.internal_secure": secure,
            "S3Storage.external_secure": secure,
            "S3Storage.access_key": self.bucket.account.access_key,
            "S3Storage.secret_key": self.bucket.account.secret_key,
            "S3Storage.bucket_name": self.bucket.name,
            "AuthenticationBackend.secret": SECRET,
            "CondaStore.signing_key": SIGNING_KEY,
        }


class DistributedSuite:
    """Five processes behind the gateway."""

    names = ("api", "auth", "solver", "builder", "artifacts")

    def __init__(
        self, directory: Path, backing: Backing, options: Mapping[str, Any] = QUICK, text: str = ""
    ) -> None:
        self.store_directory = directory / "state"
        self._backing = backing
        self._text = text
        self._given = frozenset(options)
        self.options = {
            "CondaStore.store_directory": str(self.store_directory),
            "CondaStoreWorker.cache_directory": str(directory / "cache"),
            "CondaStoreWorker.watch_paths": [str(directory / "watched")],
            **backing.options(),
            **options,
        }
        self._processes = {name: self.make(name) for name in self.names}
        ports = {name: self._processes[name].port for name in ("api", "auth", "artifacts")}
        prefix = str(self.options.get("CondaStoreServer.url_prefix", "")).rstrip("/")
        # Tests may stand for a proxy in front.
        self.gateway = Gateway(Upstreams(**ports, prefix=prefix), proxies="127.0.0.0/8")
        self._stack = ExitStack()

    @property
    def url(self) -> str:
        """The public address, without a slash at the end."""
        return self.gateway.url

    @property
    def processes(self) -> Mapping[str, CommandProcess]:
        """The five processes."""
        return self._processes

    def object_keys(self) -> set[str]:
        """The key of every object in the store."""
        return self._backing.bucket.keys()

    def make(self, name: str) -> CommandProcess:
        """Return one more process of a service, not started."""
        own = {key: url for key, url in self._backing.logins.get(name, {}).items() if key not in self._given}
        options = {**self.options, **own}
        return CommandProcess((f"conda-store-{name}",), options, self._text)

    def __enter__(self) -> Self:
        for process in self._processes.values():
            self._stack.callback(process.discard)
        self._stack.callback(self.gateway.discard)
        start_together([*self._processes.values(), self.gateway])
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        self._stack.close()
        if error is None:
            check_recorded_events(self._backing.database_url)


def migrate_database(url: str) -> None:
    """Bring a database to the newest schema."""

    async def migrate() -> None:
        async with Database(url) as database:
            await upgrade(database)

    asyncio.run(migrate())


def start_together(processes: Sequence[ServerProcess]) -> None:
    """Start servers side by side; raises the first failure."""
    with ThreadPoolExecutor(max_workers=len(processes)) as threads:
        for started in [threads.submit(process.start) for process in processes]:
            started.result()
