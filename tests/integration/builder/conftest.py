"""A builder on a memory bus, files and the demo channel, and the ledger's side of its messages."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest
import rattler
from conda_store_builder.main import BuilderOptions, build
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

    async def outcome(self, build_id: int, seconds: float = 30) -> Event:
        """The end of the build's newest attempt; a failure shows its log."""

        def ended() -> list[Event]:
            kinds = (events.PrefixBuilt, events.StageFailed, events.StageInterrupted)
            return [fact for fact in self.facts if isinstance(fact, kinds) and fact.build_id == build_id]

        before = len(ended())
        found: list[Event] = await self.wait_for(lambda: ended()[before:] or (before and ended()), seconds)
        return found[-1]


@dataclass
class Workbench:
    """One store directory and object store, with any number of builders on them."""

    root: Path
    store: FilesystemStore
    channel: str
    stack: AsyncExitStack
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
            if API in route.consumers:
                bus.subscribe(Subscription(queue=queue_name(API, route.event), handler=ledger.hear, concurrency=4))
        async with AsyncExitStack() as stack:
            for context in service.contexts:
                await stack.enter_async_context(context)
            tasks = [asyncio.ensure_future(part()) for part in (bus.run, *service.background)]
            try:
                yield Builder(self, bus, ledger, service.contexts[0])
            finally:
                assert service.interrupt is not None
                await service.interrupt()
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def solve(self, *specs: str) -> list[Any]:
        return await rattler.solve(
            [self.channel], list(specs), platforms=[PLATFORM, "noarch"],
            virtual_packages=[*rattler.VirtualPackage.detect()],
        )  # fmt: skip

    async def lock(self, *specs: str, with_build: bool = True, pip: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
        packages = [_locked(record, with_build) for record in await self.solve(*specs)]
        metadata = {"content_hash": {}, "channels": [], "platforms": [PLATFORM], "sources": []}
        return {"version": 1, "metadata": metadata, "package": [*packages, *pip]}

    async def request(self, lockfile: dict[str, Any], **prefix: Any) -> events.PrefixRequested:
        """Put order and lockfile into the store, as api and solver do."""
        build_id = next(self.ids)
        key = f"{build_id:08x}-1700000000-{build_id}-demo"
        path = self.store_directory / "ns" / key
        order = Order(
            build_id=build_id,
            build_key=key,
            namespace="ns",
            environment="demo",
            solve=SolveOrder(specification={}, channels=(), platforms=(PLATFORM,), deadline=60),
            prefix=replace(
                PrefixOrder(
                    platform=PLATFORM, path=str(path), link=None, uid=None, gid=None, permissions=None, deadline=60
                ),
                **prefix,
            ),
            artifacts=(),
            artifact_deadline=60,
        )
        text = json.dumps(lockfile, indent=4).encode()
        await self.store.put(order_key(key), order.to_bytes(), "application/json")
        await self.store.put(artifact_key(ArtifactType.LOCKFILE, key), text, "application/json")
        return events.PrefixRequested(
            build_id=build_id, build_key=key, order_digest=order.digest, lockfile_digest=sha256_hex(text)
        )

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
        await self.send(request)
        return await self.ledger.outcome(request.build_id, seconds)

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


@pytest.fixture(scope="session")
def demo_channel() -> DemoChannel:
    return build_demo_channel(packages="small")


@pytest.fixture(scope="session")
def channel_server(demo_channel: DemoChannel) -> Iterator[ChannelServer]:
    with ChannelServer(demo_channel.path) as server:
        yield server


@pytest.fixture
async def bench(tmp_path: Path, channel_server: ChannelServer) -> AsyncIterator[Workbench]:
    async with FilesystemStore(tmp_path / "objects") as store, AsyncExitStack() as stack:
        yield Workbench(tmp_path, store, channel_server.url, stack, iter(range(1, 1000)))


@pytest.fixture
async def builder(bench: Workbench) -> AsyncIterator[Builder]:
    async with bench.builder() as builder:
        yield builder
