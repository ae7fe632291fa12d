"""A disk, a bucket, and workers that act on messages in any order, say so late, and die in between.

Workers remove and link with the parts of the real services; what they build is a directory and an object.
"""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from conda_store_api.domain.policy import LedgerOptions
from conda_store_api.use_cases.rescue_builds import Tools, rescue_builds
from conda_store_api.use_cases.rescue_discards import rescue_discards
from conda_store_artifacts.use_cases.discard_artifacts import discard_artifacts
from conda_store_builder.adapters.directory_prefix_store import DirectoryPrefixStore
from conda_store_builder.adapters.symbolic_links import SymbolicLinks
from conda_store_builder.use_cases.delete_prefix import delete_prefix
from conda_store_builder.use_cases.link_environment import link_environment
from conda_store_builder.use_cases.unlink_environment import unlink_environment
from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.contracts import events
from conda_store_shared.db.models import Build
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.order import Order
from conda_store_shared.domain.stage import PREFIX, SOLVE
from conda_store_shared.domain.storage_keys import artifact_key, order_key
from conda_store_shared.transaction import Transactions
from tests.unit.api.ledger_builders import Attempt, Ledger, a_policy
from tests.unit.api.ledger_courses import stage_of

# Something on its way: done when it arrives, and what sets out from there.
Step = Callable[[], Awaitable[None]]


@dataclass
class World:
    """What is on its way, and how it may fare: ``lossy`` lets messages and workers be lost."""

    ledger: Ledger
    root: Path
    chance: random.Random
    lossy: bool = True
    steps: list[Step] = field(default_factory=list)
    builds: dict[int, Build] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.prefixes, self.links = DirectoryPrefixStore(self.root), SymbolicLinks(self.root)
        self.ledger.policy = a_policy(store_directory=self.root, build_artifacts=(ArtifactType.CONDA_PACK,))

    async def submit(self, namespace: str, name: str) -> None:
        """A user asks for a build."""
        build = await self.ledger.submit(namespace, name)
        self.builds[build.id] = build
        await self.ledger.release()

    async def some(self, number: int) -> None:
        """Let a number of things happen."""
        await self._collect()
        for _ in range(number):
            if not self.steps:
                break
            step = self.steps.pop(self.chance.randrange(len(self.steps)))
            luck = self.chance.random() if self.lossy else 0.5
            if luck < 0.1:
                continue
            if luck > 0.85:
                self.steps.append(step)
            await step()
            if self.chance.random() < 0.4:
                await self.ledger.erase()
            await self._collect()

    async def settle(self) -> None:
        """Nothing is lost any more: go on until all is quiet, long past the last look."""
        self.lossy = False
        for _ in range(6):
            await self._quiet()
            self.ledger.later(3 * 3600)
            await self._rescue()
        await self._quiet()

    async def _quiet(self) -> None:
        await self.some(0)
        while self.steps:
            await self.some(1000)
            await self.ledger.erase()
            await self._collect()
        await self.ledger.erase()

    async def _rescue(self) -> None:
        tools = Tools(
            transactions=self.ledger.transactions,
            store=self.ledger.store,
            bus=MemoryBus(),
            options=LedgerOptions(unheard=10),
        )
        await rescue_builds(tools, self.ledger.now)
        await rescue_discards(tools, self.ledger.now)

    async def _collect(self) -> None:
        self.steps += [self._arrival(message) for message in await self.ledger.take()]

    def _arrival(self, message: events.Event) -> Step:
        async def arrive() -> None:
            answer = await self._answer(message)
            if answer is not None:
                self.steps.append(self._word(answer))

        return arrive

    def _word(self, fact: events.Event) -> Step:
        async def say() -> None:
            await self.ledger.apply(fact)

        return say

    async def _answer(self, message: events.Event) -> events.Event | None:
        if isinstance(message, events.PrefixDiscardRequested):
            return await delete_prefix(message, prefixes=self.prefixes)
        if isinstance(message, events.ArtifactDiscardRequested):
            transactions = Transactions(self.ledger.database, "artifacts")
            return await discard_artifacts(message, store=self.ledger.store, transactions=transactions)
        if isinstance(message, events.LinkDiscardRequested):
            return await unlink_environment(message, links=self.links)
        if isinstance(message, events.LinkRequested):
            return await link_environment(message, links=self.links)
        if isinstance(message, events.SolveRequested | events.PrefixRequested | events.ArtifactRequested):
            await self._begin(message)
        return None

    async def _begin(self, request: events.BuildEvent) -> None:
        """A worker reads its input, and goes on later, whatever has happened to the build meanwhile."""
        if await self.ledger.store.head(order_key(request.build_key)) is None:
            return
        build, stage = self.builds[request.build_id], stage_of(request)
        attempt = Attempt(build, stage, self.ledger.now)

        async def put() -> None:
            if stage == PREFIX:
                await self.ledger.put_record(build)
            else:
                kind = ArtifactType.LOCKFILE if stage == SOLVE else ArtifactType.CONDA_PACK
                await self.ledger.store.put(artifact_key(kind, build.build_key), b"made", "text/plain")
            # Or it dies before it says so.
            if self.chance.random() > 0.4:
                self.steps.append(self._word(attempt.product()))

        async def install() -> None:
            # As the builder does under its lock.
            if not self.prefixes.canceled(build.build_key).exists():
                make_prefix(Path(Order.from_value(build.order or {}).prefix.path))
                self.steps.append(put)

        self.steps += [self._word(attempt.started()), install if stage == PREFIX else put]

    def on_disk(self) -> set[str]:
        """Every prefix and link, and whatever else lies beside them, by path below the store directory."""
        places = [*self.root.glob("*/*"), *self.root.glob("*/envs/*")]
        found = {str(path.relative_to(self.root)) for path in places if ".builder" not in path.parts}
        return {path for path in found if not path.endswith("/envs")}


def make_prefix(path: Path) -> None:
    """What an installation leaves."""
    path.mkdir(parents=True, exist_ok=True)
    (path / "file").touch()


def files_below(directory: Path) -> set[str]:
    """The path of every file, seen from the directory."""
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}
