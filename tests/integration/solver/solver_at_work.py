"""A solver at work on a bus in memory and a store on disk, and whoever gives it orders."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from conda_store_shared.bus.memory import MemoryBus, MemoryOptions
from conda_store_shared.bus.port import Subscription
from conda_store_shared.contracts.envelope import Envelope
from conda_store_shared.contracts.events import (
    ChannelIndexed,
    Event,
    LockfileSolved,
    LogWritten,
    SolveAnswered,
    SolveRequested,
    StageFailed,
    StageInterrupted,
    StageStarted,
)
from conda_store_shared.contracts.topology import API, queue_name
from conda_store_shared.domain.canonical import sha256_hex
from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.domain.order import Order, PrefixOrder, SolveOrder
from conda_store_shared.domain.storage_keys import solve_order_key
from conda_store_shared.storage.filesystem import FilesystemStore
from conda_store_solver.config import SolverOptions
from conda_store_solver.main import build

SAID: tuple[type[Event], ...] = (
    StageStarted,
    LockfileSolved,
    StageFailed,
    StageInterrupted,
    LogWritten,
    SolveAnswered,
    ChannelIndexed,
)
Fact = TypeVar("Fact", bound=Event)


class RunningSolver:
    """A solver at work, and whoever gives it orders."""

    def __init__(self, bus: MemoryBus, store: FilesystemStore) -> None:
        self.bus = bus
        self.store = store
        self.facts: list[Any] = []
        self._news = asyncio.Condition()
        self._builds = 0

    async def hear(self, envelope: Envelope) -> None:
        async with self._news:
            self.facts.append(envelope.event)
            self._news.notify_all()

    async def order(self, *dependencies: str, channel: str, repeats: int = 1, **solve: Any) -> int:
        """Put an order, ask for its lockfile, and return the build's id."""
        self._builds += 1
        build_id, key = self._builds, f"0a1b2c3d-1767225600-{self._builds}-x"
        specification = {"name": "x", "channels": [channel], "dependencies": list(dependencies)}
        order = Order(
            build_id=build_id,
            build_key=key,
            namespace="default",
            environment="x",
            solve=SolveOrder(
                **{
                    "specification": specification,
                    "channels": (channel,),
                    "platforms": ("linux-64",),
                    "deadline": 60.0,
                    **solve,
                }
            ),
            prefix=PrefixOrder(
                platform="linux-64", path="/x", link=None, uid=None, gid=None, permissions=None, deadline=60
            ),
            artifacts=(),
            artifact_deadline=60,
        )
        await self.store.put(f"order/{key}.json", order.to_bytes(), "application/json")
        for _ in range(repeats):
            await self.say(SolveRequested(build_id=build_id, build_key=key, order_digest=order.digest))
        return build_id

    async def ask(self, solve_id: str, *dependencies: str, channel: str, repeats: int = 1, **solve: Any) -> None:
        """Put the order of a remote solve, and ask for its packages."""
        order = SolveOrder(
            **{
                "specification": {"name": "x", "channels": [channel], "dependencies": list(dependencies)},
                "channels": (channel,),
                "platforms": ("linux-64",),
                "deadline": 60.0,
                **solve,
            }
        )
        await self.store.put(solve_order_key(solve_id), order.to_bytes(), "application/json")
        for _ in range(repeats):
            await self.say(SolveRequested(build_id=0, build_key="", order_digest="", solve_id=solve_id))

    async def say(self, event: Event) -> None:
        envelope = Envelope(
            event=event, message_id=f"m{id(event)}", source=API, time=datetime.now(UTC), correlation_id="c"
        )
        await self.bus.publish(envelope.encode())

    async def hears(self, kind: type[Fact], build_id: int, count: int = 1) -> list[Fact]:
        """Wait for ``count`` facts of one kind about a build."""
        async with asyncio.timeout(30), self._news:
            await self._news.wait_for(lambda: len(self.heard(kind, build_id)) >= count)
        return self.heard(kind, build_id)

    def heard(self, kind: type[Fact], build_id: int) -> list[Fact]:
        return [fact for fact in self.facts if isinstance(fact, kind) and getattr(fact, "build_id", None) == build_id]

    async def hears_that(self, kind: type[Fact], count: int = 1, **told: Any) -> list[Fact]:
        """Wait for ``count`` facts of one kind that tell so."""

        def found() -> list[Fact]:
            return [
                fact
                for fact in self.facts
                if isinstance(fact, kind) and all(getattr(fact, name) == value for name, value in told.items())
            ]

        async with asyncio.timeout(30), self._news:
            await self._news.wait_for(lambda: len(found()) >= count)
        return found()

    async def lockfile(self, fact: LockfileSolved) -> Lockfile:
        content = await self.store.get(f"lockfile/{fact.build_key}.yml", 2**24)
        assert sha256_hex(content) == fact.lockfile_digest
        return Lockfile.from_text(content)


@asynccontextmanager
async def running_solver(root: Path, **options: Any) -> AsyncIterator[RunningSolver]:
    """Run the service, with its files below ``root``."""
    bus = MemoryBus(MemoryOptions(seed=1))
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(FilesystemStore(root / "objects"))
        service = build(SolverOptions(cache_directory=root / "cache", **options), bus=bus, store=store)
        running = RunningSolver(bus, store)
        for subscription in (
            *service.subscriptions,
            *(Subscription(queue=queue_name(API, kind), handler=running.hear) for kind in SAID),
        ):
            bus.subscribe(subscription)
        for context in service.pools:
            await stack.enter_async_context(context)
        task = asyncio.create_task(bus.run())
        yield running
        task.cancel()
        await asyncio.wait([task])
