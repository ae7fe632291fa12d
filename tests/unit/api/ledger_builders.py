"""A ledger on a database of its own, fed with facts at times of the test's choosing."""

import shutil
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import delete, select

from conda_store_api.domain.policy import BuildPolicy, LedgerOptions
from conda_store_api.repositories.artifacts import NewArtifact, record_artifact
from conda_store_api.use_cases.act import Act
from conda_store_api.use_cases.cancel_build import cancel_build
from conda_store_api.use_cases.delete_build import delete_build
from conda_store_api.use_cases.delete_environment import delete_environment
from conda_store_api.use_cases.delete_namespace import delete_namespace
from conda_store_api.use_cases.erase_deleted import erase_deleted
from conda_store_api.use_cases.ledger.artifact_stored import artifact_stored
from conda_store_api.use_cases.ledger.discarded import artifact_discarded, link_discarded, prefix_discarded
from conda_store_api.use_cases.ledger.environment_linked import environment_linked
from conda_store_api.use_cases.ledger.lockfile_solved import lockfile_solved
from conda_store_api.use_cases.ledger.log_written import log_written
from conda_store_api.use_cases.ledger.prefix_built import prefix_built, read_record
from conda_store_api.use_cases.ledger.request_lost import request_lost
from conda_store_api.use_cases.ledger.stage_failed import RetryPolicy, stage_failed
from conda_store_api.use_cases.ledger.stage_interrupted import stage_interrupted
from conda_store_api.use_cases.ledger.stage_progress import stage_progress
from conda_store_api.use_cases.ledger.stage_started import stage_started
from conda_store_api.use_cases.read_submission import read_specification
from conda_store_api.use_cases.release_builds import release_builds
from conda_store_api.use_cases.rescue_builds import Tools
from conda_store_api.use_cases.rescue_discards import rescue_discards
from conda_store_api.use_cases.set_current_build import set_current_build
from conda_store_api.use_cases.submit_specification import Request, submit_specification
from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.contracts import events
from conda_store_shared.contracts.envelope import decode
from conda_store_shared.db.engine import Database
from conda_store_shared.db.models import (
    Build,
    Model,
    Namespace,
    NamespaceRoleMapping,
    NamespaceRoleMappingV2,
    Outbox,
)
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.order import Order
from conda_store_shared.domain.prefix_record import InstalledPackage, PrefixRecord
from conda_store_shared.domain.settings import Settings
from conda_store_shared.domain.stage import PREFIX, SOLVE
from conda_store_shared.domain.storage_keys import artifact_key, prefix_record_key
from conda_store_shared.storage.filesystem import FilesystemStore
from conda_store_shared.transaction import Transaction, Transactions
from tests.unit.api.ledger_rows import LedgerRows
from tests.unit.shared.settings_builders import some_settings

NOON = datetime(2026, 11, 22, 12, 0, 0)
DIGEST = "d" * 64
NAMES = ("team", "weather")
# Enough to tell what follows a prefix; and the lockfile, which is there already.
TWO_ARTIFACTS = ["LOCKFILE", "YAML", "CONDA_PACK"]
Row = TypeVar("Row")


def a_policy(**changes: Any) -> BuildPolicy:
    """Every default, on one platform; ``changes`` are fields of the policy or settings."""
    settings = {key: changes.pop(key) for key in list(changes) if key in Settings.model_fields}
    return BuildPolicy(
        **{"settings": some_settings(**settings), "store_directory": Path("/store"), "platform": "linux-64", **changes}
    )


def a_package(name: str, version: str = "1.0") -> InstalledPackage:
    """An installed package."""
    return InstalledPackage(
        channel="https://conda.anaconda.org/conda-forge",
        name=name,
        version=version,
        build="h1_0",
        build_number=0,
        subdir="linux-64",
        md5="m",
        sha256="s" * 64,
        size=10,
        depends=("libc",),
        constrains=(),
        license=None,
        license_family=None,
        summary=None,
        timestamp=None,
    )


def a_record(path: str, *names: str) -> PrefixRecord:
    """What a builder wrote about a prefix of 1000 bytes."""
    packages = tuple(a_package(name) for name in names or ("python", "numpy"))
    return PrefixRecord(path=path, apparent_bytes=1000, unique_bytes=400, packages=packages)


def with_zone(moment: datetime) -> datetime:
    """A moment as messages carry it."""
    return moment.replace(tzinfo=UTC)


class Attempt:
    """One attempt at a stage of a build, and what it may say."""

    def __init__(self, build: Build, stage: str, started_at: datetime = NOON, attempt_id: str | None = None) -> None:
        self.build = build
        self.stage = stage
        self.said: dict[str, Any] = {
            "build_id": build.id,
            "build_key": build.build_key,
            "stage": stage,
            "attempt_id": attempt_id or uuid.uuid4().hex,
            "attempt_started_at": with_zone(started_at),
        }

    def started(self) -> events.StageStarted:
        return events.StageStarted(**self.said)

    def progress(self, done: int = 1, total: int = 10, unit: str = "packages") -> events.StageProgress:
        return events.StageProgress(**self.said, done=done, total=total, unit=unit)

    def interrupted(self) -> events.StageInterrupted:
        return events.StageInterrupted(**self.said)

    def failed(self, code: str, detail: str = "it did not work", *, transient: bool = False) -> events.StageFailed:
        return events.StageFailed(**self.said, code=code, detail=detail, transient=transient)

    def log(self, sequence: int, lines: str) -> events.LogWritten:
        return events.LogWritten(**self.said, sequence=sequence, lines=lines)

    def product(self) -> events.AttemptEvent:
        """The fact that the stage has done its work."""
        if self.stage == SOLVE:
            return events.LockfileSolved(**self.said, lockfile_digest=DIGEST)
        if self.stage == PREFIX:
            return events.PrefixBuilt(**self.said, lockfile_digest=DIGEST, record_digest=DIGEST)
        kind = self.stage.removeprefix("artifact.")
        key = artifact_key(ArtifactType(kind), self.build.build_key)
        return events.ArtifactStored(**self.said, artifact_type=kind, key=key, size=77, digest=DIGEST)


class Ledger(LedgerRows):
    """The use cases of the ledger, one transaction a fact."""

    def __init__(self, database: Database, store: FilesystemStore) -> None:
        self.database = database
        self.store = store
        self.transactions = Transactions(database, "api")
        self.policy = a_policy(build_artifacts=TWO_ARTIFACTS)
        self.retry = RetryPolicy(first=10, longest=100)
        self.now = NOON

    @property
    def act(self) -> Act:
        """What ann does now."""
        return Act(actor="ann", now=self.now)

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    async def submit(
        self, namespace: str = NAMES[0], name: str = NAMES[1], *, scheduled: bool = False, dependency: str = "python"
    ) -> Build:
        """Submit a specification; return its build."""
        text = f"name: {name}\nchannels: [conda-forge]\ndependencies: [{dependency}]\n"
        request = Request(namespace=namespace, actor="ann", now=self.now, scheduled=scheduled)
        async with self.transactions.begin() as transaction:
            build_id = await submit_specification(read_specification(text), request, self.policy, transaction)
        return await self.build(build_id)

    async def release(self, **limits: Any) -> int:
        """Release what may run; return how many builds that was."""
        options = LedgerOptions(**{"capacity": 100, "per_namespace": 100, **limits})
        return await release_builds(self.transactions, self.store, options, self.now)

    async def released(self) -> Build:
        """A build whose solve is requested; earlier messages are forgotten."""
        build = await self.submit()
        await self.release()
        await self.take()
        return await self.build(build.id)

    async def solved(self) -> Build:
        """A build whose prefix is requested."""
        build = await self.released()
        attempt = Attempt(build, SOLVE, self.now)
        await self.apply(attempt.started(), attempt.product())
        await self.take()
        return await self.build(build.id)

    async def completed(self) -> Build:
        """A build that is COMPLETED, with its artifacts requested."""
        build = await self.solved()
        await self.complete(build)
        await self.take()
        return await self.build(build.id)

    async def complete(self, build: Build) -> None:
        """Say that the prefix of a build is whole."""
        await self.put_record(build)
        await self.apply(Attempt(build, PREFIX, self.now).product())

    async def put_record(self, build: Build, *packages: str) -> None:
        """Leave what a builder leaves."""
        path = Order.from_value(build.order or {}).prefix.path
        await self.store.put(prefix_record_key(build.build_key), a_record(path, *packages).to_bytes(), "text/plain")

    async def apply(self, *facts: events.Event) -> None:
        """Handle facts one after the other, at the time it is now."""
        for fact in facts:
            record = await read_record(self.store, fact.build_key) if isinstance(fact, events.PrefixBuilt) else None
            async with self.transactions.begin() as transaction:
                await self._apply(fact, record, transaction)

    async def _apply(self, fact: events.Event, record: PrefixRecord | None, transaction: Transaction) -> None:
        if isinstance(fact, events.PrefixBuilt):
            await prefix_built(fact, record, transaction, self.now)
        elif isinstance(fact, events.StageFailed):
            await stage_failed(fact, transaction, self.now, self.retry)
        elif type(fact) in _TIMELESS:
            await _TIMELESS[type(fact)](fact, transaction)
        else:
            await _TIMED[type(fact)](fact, transaction, self.now)

    async def cancel(self, build: Build) -> str | None:
        """Cancel a build, as a user does."""
        async with self.transactions.begin() as transaction:
            return await cancel_build(build.id, self.act, transaction)

    async def delete(self, build: Build) -> None:
        """Delete a build, as a user does."""
        async with self.transactions.begin() as transaction:
            await delete_build(build.id, self.policy.settings, self.act, transaction)

    async def delete_environment(self, namespace: str = NAMES[0], name: str = NAMES[1]) -> None:
        """Delete an environment, as a user does."""
        async with self.transactions.begin() as transaction:
            await delete_environment((namespace, name), self.act, transaction)

    async def delete_namespace(self, name: str = NAMES[0]) -> None:
        """Delete a namespace, as a user does."""
        async with self.transactions.begin() as transaction:
            await delete_namespace(name, self.act, transaction)

    async def choose(self, build: Build, namespace: str = NAMES[0], name: str = NAMES[1]) -> None:
        """Make a build the current one, as a user does."""
        async with self.transactions.begin() as transaction:
            await set_current_build((namespace, name), build.id, self.policy, self.act, transaction)

    async def record(self, build: Build, kind: ArtifactType, key: str) -> None:
        """Record an artifact of a build."""
        async with self.transactions.begin() as transaction:
            await record_artifact(transaction.session, build.id, NewArtifact(type=kind, key=key))

    async def grant(self) -> None:
        """Let team see other, and other see team, in both versions."""
        async with self.transactions.begin() as transaction:
            ids = {row.name: row.id for row in (await transaction.session.scalars(select(Namespace))).all()}
            transaction.session.add(NamespaceRoleMapping(namespace_id=ids["team"], entity="other/*", role="viewer"))
            for one, other in (("team", "other"), ("other", "team")):
                mapping = NamespaceRoleMappingV2(namespace_id=ids[one], other_namespace_id=ids[other], role="viewer")
                transaction.session.add(mapping)

    async def rescue(self, bus: MemoryBus | None = None, *, everything: bool = False) -> int:
        """Ask again for what is not known to be gone."""
        tools = Tools(
            transactions=self.transactions, store=self.store, bus=bus or MemoryBus(), options=LedgerOptions(unheard=10)
        )
        return await rescue_discards(tools, self.now, everything=everything)

    async def erase(self) -> None:
        """Do what api does by itself about what was deleted."""
        await erase_deleted(self.transactions, self.now)

    async def take(self) -> list[events.Event]:
        """Take the messages that wait for the broker, in their order."""
        async with self.transactions.begin() as transaction:
            rows = (await transaction.session.scalars(select(Outbox).order_by(Outbox.id))).all()
            await transaction.session.execute(delete(Outbox))
        return [decode(row.headers, row.body).event for row in rows]


_TIMED: Mapping[type[events.Event], Callable[[Any, Transaction, datetime], Awaitable[None]]] = {
    events.StageStarted: stage_started,
    events.StageProgress: stage_progress,
    events.StageInterrupted: stage_interrupted,
    events.LockfileSolved: lockfile_solved,
    events.ArtifactStored: artifact_stored,
    events.EnvironmentLinked: environment_linked,
    events.SolveRequested: request_lost,
    events.PrefixRequested: request_lost,
    events.ArtifactRequested: request_lost,
}
_TIMELESS: Mapping[type[events.Event], Callable[[Any, Transaction], Awaitable[None]]] = {
    events.LogWritten: log_written,
    events.PrefixDiscarded: prefix_discarded,
    events.ArtifactDiscarded: artifact_discarded,
    events.LinkDiscarded: link_discarded,
}


@asynccontextmanager
async def open_ledger(url: str, objects: Path) -> AsyncIterator[Ledger]:
    """A ledger on the database at ``url``, whose schema is there."""
    async with Database(url) as database, FilesystemStore(objects) as store:
        yield Ledger(database, store)


async def empty(database: Database) -> None:
    """Delete every row of an SQLite database; all in one go, since each statement is a way to its thread and back."""
    script = "".join(f"DELETE FROM {table.name};" for table in reversed(Model.metadata.sorted_tables))
    async with database.engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        await driver.executescript(f"BEGIN IMMEDIATE;{script}COMMIT;")


def copy_of(template: Path, directory: Path) -> str:
    """Return the address of a copy of the template."""
    shutil.copy(template, directory / "ledger.sqlite")
    return f"sqlite:///{directory / 'ledger.sqlite'}"


def linked(build: Build, generation: int) -> events.EnvironmentLinked:
    """What the builder says when the link of the environment shows a build."""
    return events.EnvironmentLinked(
        build_id=build.id,
        build_key=build.build_key,
        namespace=NAMES[0],
        environment=NAMES[1],
        path="/x",
        generation=generation,
        environment_id=build.environment_id,
    )


def of_type(messages: Sequence[events.Event], kind: type[Row]) -> list[Row]:
    """The messages of one type."""
    return [message for message in messages if isinstance(message, kind)]
