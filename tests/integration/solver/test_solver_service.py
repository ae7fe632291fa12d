"""The wired service: messages in, facts out, on a bus in memory and a store on disk."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest
import pytest_asyncio

from conda_store_shared.bus.memory import MemoryBus, MemoryOptions
from conda_store_shared.bus.port import Subscription
from conda_store_shared.contracts.envelope import Envelope
from conda_store_shared.contracts.events import (
    BuildCanceled,
    Event,
    LockfileSolved,
    LogWritten,
    SolveRequested,
    StageFailed,
    StageInterrupted,
    StageStarted,
)
from conda_store_shared.contracts.topology import API, queue_name
from conda_store_shared.domain.canonical import sha256_hex
from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.domain.order import Order, PrefixOrder, SolveOrder
from conda_store_shared.storage.filesystem import FilesystemStore
from conda_store_shared.testing.demo_channel import DemoChannel
from conda_store_shared.testing.demo_channel.server import ChannelServer
from conda_store_shared.testing.tiny_channel import UnfriendlyServer
from conda_store_solver.config import SolverOptions
from conda_store_solver.main import build

pytestmark = pytest.mark.asyncio(loop_scope="module")

SAID: tuple[type[Event], ...] = (StageStarted, LockfileSolved, StageFailed, StageInterrupted, LogWritten)
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

    async def lockfile(self, fact: LockfileSolved) -> Lockfile:
        content = await self.store.get(f"lockfile/{fact.build_key}.yml", 2**24)
        assert sha256_hex(content) == fact.lockfile_digest
        return Lockfile.from_text(content)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def solver(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningSolver]:
    """The service, running."""
    root = tmp_path_factory.mktemp("solver")
    bus = MemoryBus(MemoryOptions(seed=1))
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(FilesystemStore(root / "objects"))
        service = build(SolverOptions(cache_directory=root / "cache"), bus=bus, store=store)
        running = RunningSolver(bus, store)
        for subscription in (
            *service.subscriptions,
            *(Subscription(queue=queue_name(API, kind), handler=running.hear) for kind in SAID),
        ):
            bus.subscribe(subscription)
        for context in service.contexts:
            await stack.enter_async_context(context)
        task = asyncio.create_task(bus.run())
        yield running
        task.cancel()
        await asyncio.wait([task])


async def test_solver_answers_a_request_with_a_lockfile(solver: RunningSolver, server: UnfriendlyServer) -> None:
    build_id = await solver.order("flask", channel=f"{server.url}/open/main")
    [fact] = await solver.hears(LockfileSolved, build_id)
    lockfile = await solver.lockfile(fact)
    assert "flask" in {package.name for package in lockfile.packages}
    [started] = solver.heard(StageStarted, build_id)
    assert (started.stage, started.attempt_id) == ("solve", fact.attempt_id)
    text = "".join(log.lines for log in await solver.hears(LogWritten, build_id))
    assert "solving for linux-64" in text
    assert f"channels: {server.url}/open/main" in text


async def test_solver_answers_alike_when_a_request_comes_twice(solver: RunningSolver, server: UnfriendlyServer) -> None:
    build_id = await solver.order("flask", channel=f"{server.url}/open/main", repeats=2)
    await solver.hears(LockfileSolved, build_id)
    await solver.say(
        SolveRequested(
            build_id=build_id, build_key=f"0a1b2c3d-1767225600-{build_id}-x", order_digest="of no interest any more"
        )
    )
    facts = await solver.hears(LockfileSolved, build_id, count=2)
    assert len({fact.lockfile_digest for fact in facts}) == 1


async def test_solver_reports_failure_when_nothing_fits(solver: RunningSolver, server: UnfriendlyServer) -> None:
    build_id = await solver.order("old", "python=3.12", channel=f"{server.url}/open/main")
    [fact] = await solver.hears(StageFailed, build_id)
    assert (fact.code, fact.transient) == ("unsatisfiable", False)
    assert "python <3.12" in fact.detail
    assert await solver.store.head(f"lockfile/{fact.build_key}.yml") is None


async def test_solver_stops_and_says_nothing_when_the_build_is_canceled(
    solver: RunningSolver, server: UnfriendlyServer
) -> None:
    build_id = await solver.order("flask", channel=f"{server.url}/silent/c")
    await solver.hears(LogWritten, build_id)
    await solver.say(BuildCanceled(build_id=build_id, build_key=f"0a1b2c3d-1767225600-{build_id}-x"))
    after = await solver.order("flask", channel=f"{server.url}/open/main")
    await solver.hears(LockfileSolved, after)
    assert not solver.heard(StageFailed, build_id)
    assert not solver.heard(LockfileSolved, build_id)


async def test_solver_solves_several_requests_at_once(solver: RunningSolver, server: UnfriendlyServer) -> None:
    builds = [await solver.order("flask", channel=f"{server.url}/open/main") for _ in range(6)]
    for build_id in builds:
        assert await solver.hears(LockfileSolved, build_id)


async def test_solver_solves_for_real_packages(
    solver: RunningSolver, demo_channel: DemoChannel, demo_channel_server: ChannelServer
) -> None:
    build_id = await solver.order("python", "numpy", "flask", "ipykernel", channel=demo_channel_server.url)
    [fact] = await solver.hears(LockfileSolved, build_id)
    lockfile = await solver.lockfile(fact)
    versions = {package.name: package.version for package in lockfile.packages}
    assert versions["python"] == demo_channel.python_version
    assert {"numpy", "flask", "ipykernel", "jupyter-client"} <= {name.replace("_", "-") for name in versions}
    assert all(package.md5 and package.sha256 and package.build for package in lockfile.packages)
