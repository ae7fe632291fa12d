"""Private channels and indexes with secrets of their own, and suites that know them, in each mode."""

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import aio_pika
from sqlalchemy import text
from traitlets.config import Config

from conda_store_shared.assembly.object_storage import open_store
from conda_store_shared.db.engine import Database
from conda_store_shared.testing.private_server import PrivateServer, Secrets
from conda_store_shared.testing.servers import Databases, VirtualHosts
from conda_store_shared.testing.servers.conda_store import (
    QUICK,
    SIGNING_KEY,
    Backing,
    DistributedSuite,
    StandaloneSuite,
    Suite,
)
from conda_store_shared.testing.tiny_channel import TinyPackage, TinyWheel, write_tiny_channel
from tests.acceptance.canary import SECRETS, rows_of_sqlite

MANNERS = ("token", "basic", "bearer", "raw")
ARTIFACTS = ["LOCKFILE", "YAML", "CONDA_PACK", "CONSTRUCTOR_INSTALLER", "DOCKER_MANIFEST", "CONTAINER_REGISTRY"]
_LARGEST = 1024**3


@dataclass(frozen=True)
class World:
    """Servers: ``ours`` and ``index`` are shown what they demand, ``foreign`` is shown something else."""

    ours: PrivateServer
    index: PrivateServer
    foreign: PrivateServer

    def channel(self, manner: str) -> str:
        """A private channel that demands one kind of credential; it has the package ``private-<manner>``."""
        return f"{self.ours.url}/{manner}/{manner}-channel"

    def credentials(self) -> dict[str, dict[str, str]]:
        """What the suite is told."""
        foreign = self.foreign.url
        return {
            **self.ours.credentials(),
            "index": {**self.index.credentials()["basic"], "address": self.index.url},
            "wrong-token": {"address": f"{foreign}/token", "token": SECRETS["wrong token"]},
            "wrong-login": {"address": f"{foreign}/basic", "username": "me", "password": SECRETS["wrong password"]},
        }


@contextmanager
def private_world(root: Path) -> Iterator[World]:
    """Private servers of channels and wheels, some of which are gone or others than they were."""
    for manner in MANNERS:
        write_tiny_channel(root / f"{manner}-channel", [TinyPackage(name=f"private-{manner}")])
    write_tiny_channel(root / "broken", [TinyPackage(name="gone"), TinyPackage(name="changed")])
    (root / "broken/noarch/gone-1.0-0.tar.bz2").unlink()
    TinyPackage(name="changed", depends=("something",)).write(root / "broken")
    TinyWheel(name="private-wheel").write(root / "simple")
    ours = Secrets(
        token=SECRETS["channel token"],
        password=SECRETS["channel password"],
        bearer=SECRETS["channel bearer"],
        raw=f"Token {SECRETS['channel header']}",
    )
    with ExitStack() as stack:
        secrets = (ours, Secrets(password=SECRETS["index password"]), Secrets())
        yield World(*(stack.enter_context(PrivateServer(root, one)) for one in secrets))


def options(world: World) -> dict[str, Any]:
    """Options of both modes: every secret, and logs that keep nothing back."""
    return {
        **QUICK,
        "CondaStoreServer.log_level": "DEBUG",
        "CondaStoreWorker.log_level": "DEBUG",
        "CondaStoreWorker.channel_credentials": world.credentials(),
        "CondaStore.conda_indexed_channels": [world.channel("token"), f"{world.foreign.url}/token/token-channel"],
        "CondaStore.build_artifacts": ARTIFACTS,
        "AuthenticationBackend.secret": SECRETS["signing secret"],
        "CondaStore.signing_key": SIGNING_KEY,
        "DummyAuthentication.password": SECRETS["login password"],
    }


def functions(world: World) -> str:
    """What only a configuration file can hold: a registry that lets nobody in, and what it is shown."""
    registry = f"hostname=address, username='me', password={SECRETS['registry password']!r}"
    return (
        "from python_docker.registry import Registry\n"
        f"c.ContainerRegistry.container_registries = {{{world.foreign.url!r}: lambda address: Registry({registry})}}\n"
    )


class Watched:
    """A running suite, of which everything that it writes down can be read."""

    def __init__(self, suite: Suite, directory: Path) -> None:
        self.suite = suite
        self.directory = directory
        self.messages: list[str] = []

    def logs(self) -> Mapping[str, Path]:
        """The log of each process."""
        return {name: process.log for name, process in self.suite.processes.items()}

    def rows(self) -> Iterator[str]:
        """Every row of the database."""
        yield from rows_of_sqlite(self.directory / "conda-store.sqlite")

    def objects(self) -> dict[str, bytes]:
        """Every object by its key."""
        storage = self.directory / "storage"
        return {str(path.relative_to(storage)): path.read_bytes() for path in storage.rglob("*") if path.is_file()}


class WatchedFive(Watched):
    """As ``Watched``, of five processes."""

    def __init__(self, suite: DistributedSuite, directory: Path, backing: Backing) -> None:
        super().__init__(suite, directory)
        self._backing = backing

    def rows(self) -> Iterator[str]:
        """Every row of the database."""
        yield from asyncio.run(self._rows())

    def objects(self) -> dict[str, bytes]:
        """Every object by its key."""
        return asyncio.run(self._objects())

    async def _rows(self) -> list[str]:
        found = []
        async with Database(self._backing.database_url) as database, database.session() as session:
            tables = await session.scalars(
                text("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
            )
            for table in tables.all():
                rows = await session.scalars(text(f'SELECT one::text FROM "{table}" AS one'))
                found += [f"{table}: {row}" for row in rows]
        return found

    async def _objects(self) -> dict[str, bytes]:
        config = Config()
        for name, value in self._backing.options().items():
            section, _, option = name.partition(".")
            config[section][option] = value
        async with open_store(config) as store:
            keys = self._backing.bucket.keys()
            return {key: await store.get(key, _LARGEST) for key in keys}


@contextmanager
def standalone(directory: Path, world: World) -> Iterator[Watched]:
    """One process."""
    with StandaloneSuite(directory, options(world), functions(world)) as suite:
        yield Watched(suite, directory)


@dataclass(frozen=True)
class Servers:
    """Where five processes get passwords of their own."""

    databases: Databases
    virtual_hosts: VirtualHosts
    backing: Backing

    def with_secrets(self) -> Backing:
        """The same places, by accounts with passwords to look for."""
        parts = urlsplit(self.backing.database_url)
        account = parts.path.strip("/")
        password = SECRETS["database password"]
        self.databases.execute(f"CREATE ROLE \"{account}\" LOGIN SUPERUSER PASSWORD '{password}'")
        # The host may be in the query: a directory of sockets.
        netloc = f"{account}:{quote(password, safe='')}@{parts.netloc.rpartition('@')[2]}"
        return Backing(
            database_url=urlunsplit(parts._replace(netloc=netloc)),
            amqp_url=self.virtual_hosts.with_password(self.backing.amqp_url, SECRETS["broker password"]),
            bucket=self.backing.bucket,
        )


@contextmanager
def distributed(directory: Path, world: World, servers: Servers) -> Iterator[Watched]:
    """Five processes; what they say on the bus is kept."""
    backing = servers.with_secrets()
    with DistributedSuite(directory, backing, options(world), functions(world)) as suite:
        watched = WatchedFive(suite, directory, backing)
        with _overheard(servers.backing.amqp_url, watched.messages):
            yield watched


@contextmanager
def _overheard(url: str, messages: list[str]) -> Iterator[None]:
    listening, ended = threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_overhear(url, messages, listening, ended)), daemon=True)
    thread.start()
    assert listening.wait(30)
    try:
        yield
    finally:
        ended.set()
        thread.join()


async def _overhear(url: str, messages: list[str], listening: threading.Event, ended: threading.Event) -> None:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind("conda-store", "#")

        async def keep(message: aio_pika.abc.AbstractIncomingMessage) -> None:
            headers = {name: str(value) for name, value in message.headers.items()}
            messages.append(f"{message.routing_key} {json.dumps(headers)} {message.body.decode(errors='replace')}")

        await queue.consume(keep, no_ack=True)
        listening.set()
        await asyncio.to_thread(ended.wait)
