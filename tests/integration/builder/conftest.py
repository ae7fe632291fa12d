"""A builder on a memory bus, files and the demo channel, and the ledger's side of its messages."""

import asyncio
import hashlib
import io
import json
import os
import subprocess
import tarfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest
import rattler

from conda_store_builder.config import BuilderOptions
from conda_store_builder.main import build
from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.bus.port import Subscription
from conda_store_shared.contracts import events
from conda_store_shared.contracts.envelope import Envelope
from conda_store_shared.contracts.events import Event
from conda_store_shared.contracts.topology import API, ROUTES, queue_name
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.canonical import sha256_hex
from conda_store_shared.domain.order import Order, PrefixOrder, SolveOrder
from conda_store_shared.domain.prefix_record import PrefixRecord
from conda_store_shared.domain.storage_keys import artifact_key, order_key, prefix_record_key
from conda_store_shared.storage.filesystem import FilesystemStore
from conda_store_shared.testing.demo_channel import DemoChannel, build_demo_channel
from conda_store_shared.testing.demo_channel.server import ChannelServer

PLATFORM = str(rattler.Subdir.current())
Fact = TypeVar("Fact", bound=Event)


@dataclass
class Ledger:
    """What the builder said, in order; ``wait_for`` is how a test waits."""

    facts: list[Event] = field(default_factory=list)
    _heard: asyncio.Event = field(default_factory=asyncio.Event)

    async def hear(self, envelope: Envelope) -> None:
        self.facts.append(envelope.event)
        self._heard.set()

    def all_of(self, kind: type[Fact]) -> list[Fact]:
        return [fact for fact in self.facts if isinstance(fact, kind)]

    def log(self) -> str:
        return "".join(fact.lines for fact in self.all_of(events.LogWritten))

    async def wait_for(self, condition: Callable[[], Any], seconds: float = 30) -> Any:
        async with asyncio.timeout(seconds):
            while not (found := condition()):
                self._heard.clear()
                try:
                    async with asyncio.timeout(0.05):
                        await self._heard.wait()
                except TimeoutError:
                    pass
        return found

    def outcomes(self, build_id: int) -> list[Event]:
        """How the build's attempts ended so far."""
        kinds = (events.PrefixBuilt, events.StageFailed, events.StageInterrupted)
        return [fact for fact in self.facts if isinstance(fact, kinds) and fact.build_id == build_id]


@dataclass
class Workbench:
    """One store directory and object store, with any number of builders on them."""

    root: Path
    store: FilesystemStore
    channel: str
    ids: Iterator[int]

    @property
    def store_directory(self) -> Path:
        return self.root / "state"

    @asynccontextmanager
    async def builder(self, **options: Any) -> AsyncIterator["Builder"]:
        bus, ledger = MemoryBus(), Ledger()
        service = build(BuilderOptions(store_directory=self.store_directory, **options), bus=bus, store=self.store)
        for subscription in service.subscriptions:
            bus.subscribe(subscription)
        for route in ROUTES:
            if API in route.consumers and not route.broadcast:
                bus.subscribe(Subscription(queue=queue_name(API, route.event), handler=ledger.hear, concurrency=4))
        async with AsyncExitStack() as stack:
            for context in service.pools:
                await stack.enter_async_context(context)
            tasks = [asyncio.ensure_future(part()) for part in (bus.run, *service.background)]
            try:
                yield Builder(self, bus, ledger, service.pools[0])
            finally:
                assert service.interrupt is not None
                await service.interrupt()
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def solve(self, *specs: str) -> list[Any]:
        found: list[Any] = await rattler.solve(
            [self.channel],
            list(specs),
            platforms=[PLATFORM, "noarch"],
            virtual_packages=[*rattler.VirtualPackage.detect()],
        )
        return found

    async def lock(self, *specs: str, with_build: bool = True, pip: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
        return lockfile_of(*(_locked(record, with_build) for record in await self.solve(*specs)), *pip)

    def tiny(self, package: "TinyPackage") -> dict[str, Any]:
        """The lockfile entry of a package made on the spot."""
        return package.write(self.root / "tiny")

    async def request(
        self, lockfile: dict[str, Any], *, specification: Mapping[str, Any] | None = None, **prefix: Any
    ) -> events.PrefixRequested:
        """Put order and lockfile into the store, as api and solver do."""
        build_id = next(self.ids)
        key = f"{build_id:08x}-1700000000-{build_id}-demo"
        path = self.store_directory / "ns" / key
        order = Order(
            build_id=build_id,
            build_key=key,
            namespace="ns",
            environment="demo",
            solve=SolveOrder(specification=specification or {}, channels=(), platforms=(PLATFORM,), deadline=60),
            prefix=replace(
                PrefixOrder(
                    platform=PLATFORM, path=str(path), link=None, uid=None, gid=None, permissions=None, deadline=60
                ),
                **prefix,
            ),
            artifacts=(),
            artifact_deadline=60,
        )
        await self.store.put(order_key(key), order.to_bytes(), "application/json")
        digest = await self.put_lockfile(key, lockfile)
        return events.PrefixRequested(
            build_id=build_id, build_key=key, order_digest=order.digest, lockfile_digest=digest
        )

    async def put_lockfile(self, key: str, lockfile: dict[str, Any]) -> str:
        """Store it, and return its digest."""
        text = json.dumps(lockfile, indent=4).encode()
        await self.store.put(artifact_key(ArtifactType.LOCKFILE, key), text, "application/json")
        return sha256_hex(text)

    def path_of(self, request: events.BuildEvent) -> Path:
        return self.store_directory / "ns" / request.build_key

    async def record_of(self, request: events.BuildEvent) -> PrefixRecord:
        return PrefixRecord.from_bytes(await self.store.get(prefix_record_key(request.build_key), 10**8))

    def hidden(self) -> list[str]:
        """What builders left beside the prefixes, locks left out."""
        directory = self.store_directory / "ns"
        names = os.listdir(directory) if directory.exists() else []
        return sorted(name for name in names if name.startswith((".attempt-", ".trash-")))


@dataclass
class Builder:
    """One running builder."""

    bench: Workbench
    bus: MemoryBus
    ledger: Ledger
    pool: Any

    async def send(self, event: Event) -> None:
        envelope = Envelope(
            event=event,
            message_id=os.urandom(8).hex(),
            source="api",
            time=datetime.now(UTC),
            correlation_id="test",
        )
        await self.bus.publish(envelope.encode())

    async def install(self, request: events.PrefixRequested, seconds: float = 60) -> Event:
        """Send the request and return how the attempt ended."""
        before = len(self.ledger.outcomes(request.build_id))
        await self.send(request)
        found = await self.ledger.wait_for(lambda: self.ledger.outcomes(request.build_id)[before:], seconds)
        outcome: Event = found[0]
        return outcome

    async def built(self, request: events.PrefixRequested) -> PrefixRecord:
        """As ``install``, for what has to succeed."""
        outcome = await self.install(request)
        assert isinstance(outcome, events.PrefixBuilt), f"{outcome}\n{self.ledger.log()}"
        record = await self.bench.record_of(request)
        assert outcome.record_digest == record.digest
        return record

    async def failed(self, request: events.PrefixRequested) -> events.StageFailed:
        """As ``install``, for what has to fail."""
        outcome = await self.install(request)
        assert isinstance(outcome, events.StageFailed), outcome
        return outcome


def _locked(record: Any, with_build: bool) -> dict[str, Any]:
    depends = dict((*spec.split(None, 1), "")[:2] for spec in record.depends)
    package = {
        "name": record.name.normalized,
        "version": str(record.version),
        "manager": "conda",
        "platform": PLATFORM,
        "dependencies": depends,
        "url": record.url,
        "hash": {"md5": record.md5.hex(), "sha256": record.sha256.hex()},
        "category": "main",
        "optional": False,
    }
    return package | ({"build": str(record.build)} if with_build else {})


def run(*command: str | Path, check: bool = True) -> str:
    """What a command prints, run with nothing in its environment."""
    return subprocess.run(command, env={}, capture_output=True, text=True, check=check).stdout


@dataclass(frozen=True, kw_only=True)
class TinyPackage:
    """A package of a few files made on the spot; a file's mode is 644 unless ``modes`` tells otherwise."""

    name: str
    files: dict[str, bytes] = field(default_factory=dict)
    modes: dict[str, int] = field(default_factory=dict)
    post_link: str = ""
    version: str = "1.0"
    depends: tuple[str, ...] = ()

    def write(self, channel: Path) -> dict[str, Any]:
        """Put it into ``channel``, a directory, and return what a lockfile says of it."""
        directory = channel / PLATFORM
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"{self.name}-{self.version}-0.tar.bz2"
        script = {f"bin/.{self.name}-post-link.sh": self.post_link.encode()} if self.post_link else {}
        files = self.files | script
        with tarfile.open(path, "w:bz2") as archive:
            for name, content in (self._info(files) | files).items():
                member = tarfile.TarInfo(name)
                member.size, member.mode = len(content), self.modes.get(name, 0o755 if name in script else 0o644)
                archive.addfile(member, io.BytesIO(content))
        return self.locked(path, path.as_uri())

    def locked(self, path: Path, url: str) -> dict[str, Any]:
        """Its entry in a lockfile, when it is fetched from ``url``."""
        content = path.read_bytes()
        return {
            "name": self.name,
            "version": self.version,
            "manager": "conda",
            "platform": PLATFORM,
            "url": url,
            "dependencies": dict.fromkeys(self.depends, "*"),
            "hash": {"md5": hashlib.md5(content).hexdigest(), "sha256": hashlib.sha256(content).hexdigest()},
        }

    def _info(self, files: dict[str, bytes]) -> dict[str, bytes]:
        index = {
            "name": self.name, "version": self.version, "build": "0", "build_number": 0, "subdir": PLATFORM,
            "depends": list(self.depends), "license": "MIT", "timestamp": 1700000000000,
        }  # fmt: skip
        paths = [
            {
                "_path": name,
                "path_type": "hardlink",
                "sha256": hashlib.sha256(content).hexdigest(),
                "size_in_bytes": len(content),
            }
            for name, content in files.items()
        ]
        return {
            "info/index.json": json.dumps(index).encode(),
            "info/paths.json": json.dumps({"paths": paths, "paths_version": 1}).encode(),
            "info/files": "\n".join(files).encode(),
        }


def lockfile_of(*packages: dict[str, Any], platforms: tuple[str, ...] = (PLATFORM,)) -> dict[str, Any]:
    """A lockfile as conda-lock writes it."""
    metadata = {"content_hash": {}, "channels": [], "platforms": list(platforms), "sources": []}
    return {"version": 1, "metadata": metadata, "package": list(packages)}


@pytest.fixture(scope="session")
def demo_channel() -> DemoChannel:
    return build_demo_channel(packages="small")


@pytest.fixture(scope="session")
def channel_server(demo_channel: DemoChannel) -> Iterator[ChannelServer]:
    with ChannelServer(demo_channel.path) as server:
        yield server


@pytest.fixture
async def bench(tmp_path: Path, channel_server: ChannelServer) -> AsyncIterator[Workbench]:
    async with FilesystemStore(tmp_path / "objects") as store:
        yield Workbench(tmp_path, store, channel_server.url, iter(range(1, 1000)))


@pytest.fixture
async def builder(bench: Workbench) -> AsyncIterator[Builder]:
    async with bench.builder() as builder:
        yield builder
