"""A prefix is whole on disk: the build is COMPLETED, and everything that follows from it is set going."""

from datetime import datetime

from conda_store_api.repositories.artifacts import NewArtifact, record_artifacts
from conda_store_api.repositories.attempts import note_attempt
from conda_store_api.repositories.builds import LockedBuild, end_build, lock_build
from conda_store_api.repositories.environments import choose_completed_build
from conda_store_api.repositories.packages import record_packages
from conda_store_api.repositories.stages import DONE, change_stage, change_stages
from conda_store_api.use_cases.act import Act
from conda_store_api.use_cases.ledger.artifacts_completed import tell_if_artifacts_completed
from conda_store_api.use_cases.ledger.public_events import (
    record_build_event,
    record_solved,
    record_started,
)
from conda_store_api.use_cases.ledger.requests import request_stage
from conda_store_api.use_cases.let_build_go import discard_prefix
from conda_store_api.use_cases.request_discard import BuildRef, request_artifact_discard, request_prefix_discard
from conda_store_api.use_cases.request_link import request_link
from conda_store_shared.contracts import public_events
from conda_store_shared.contracts.events import PrefixBuilt
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.build import BuildStatus, Rank
from conda_store_shared.domain.order import Order
from conda_store_shared.domain.prefix_record import PrefixRecord
from conda_store_shared.domain.stage import PREFIX, SOLVE, artifact_stage
from conda_store_shared.domain.storage_keys import artifact_key, prefix_record_key
from conda_store_shared.errors import NotFound
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.transaction import Transaction

MAXIMUM_RECORD = 64 * 1024 * 1024


async def read_record(store: ObjectStore, build_key: str) -> PrefixRecord | None:
    """Return what the builder wrote of the prefix; None when the object is gone."""
    try:
        return PrefixRecord.from_bytes(await store.get(prefix_record_key(build_key), MAXIMUM_RECORD))
    except NotFound:
        return None


async def prefix_built(
    event: PrefixBuilt, record: PrefixRecord | None, transaction: Transaction, now: datetime
) -> None:
    """Complete the build in one transaction; a prefix that nobody waits for any more is to be discarded."""
    session = transaction.session
    locked = await lock_build(session, event.build_id)
    if locked is None or locked.build.status in (BuildStatus.CANCELED, BuildStatus.FAILED) or locked.is_deleted:
        return await _discard(event, record, locked, transaction, now)
    await note_attempt(session, event, "done")
    if locked.build.status == BuildStatus.COMPLETED:
        # Requested once more because its record was gone; the builder has written it again.
        await change_stage(session, event.build_id, PREFIX, {"state": DONE})
        return
    if record is None:
        # The record is gone from the object store; a builder that finds the prefix whole writes it again.
        return await request_stage(transaction, locked.build, PREFIX, now)
    await change_stages(session, event.build_id, (SOLVE, PREFIX), {"state": DONE})
    values = {
        "rank": Rank.BUILT,
        "ended_on": now,
        "started_on": locked.build.started_on or now,
        "size": record.apparent_bytes,
        "lockfile_digest": event.lockfile_digest,
        "status_info": None,
        "deadline": _deadline_of_artifacts(locked, now),
    }
    _record_implied(transaction, locked, event, now)
    await end_build(session, locked.build, BuildStatus.COMPLETED, values)
    await record_packages(session, event.build_id, record.packages)
    await _record_artifacts(transaction, locked, event, record)
    completed = public_events.BuildCompleted(build_key=locked.build.build_key, size=record.apparent_bytes)
    record_build_event(transaction, locked, completed, now)
    await _request_artifacts(transaction, locked, now)
    await _become_current(transaction, locked, record.path, now)


def _record_implied(transaction: Transaction, locked: LockedBuild, event: PrefixBuilt, now: datetime) -> None:
    """Tell of what a prefix implies, should the word of it come later than this one."""
    record_started(transaction, locked, now)
    if locked.build.rank < Rank.SOLVED:
        record_solved(transaction, locked, event.lockfile_digest, now)


async def _discard(
    event: PrefixBuilt,
    record: PrefixRecord | None,
    locked: LockedBuild | None,
    transaction: Transaction,
    now: datetime,
) -> None:
    build = BuildRef(event.build_id, event.build_key)
    if record is not None:
        request_prefix_discard(transaction, build, record.path, now)
    elif locked is not None:
        await discard_prefix(transaction, locked.build, now)
    if locked is None or locked.is_deleted:
        # The objects of a deleted build were taken away before this one was put.
        request_artifact_discard(transaction, build, (prefix_record_key(event.build_key),), now)


def _deadline_of_artifacts(locked: LockedBuild, now: datetime) -> datetime | None:
    """Artifacts have as much time to be tried again as the build had, from its completion on."""
    build = locked.build
    return build.deadline and now + (build.deadline - (build.released_on or build.scheduled_on))


async def _record_artifacts(
    transaction: Transaction, locked: LockedBuild, event: PrefixBuilt, record: PrefixRecord
) -> None:
    lockfile = artifact_key(ArtifactType.LOCKFILE, event.build_key)
    artifacts = (
        NewArtifact(type=ArtifactType.DIRECTORY, key=record.path, size=record.apparent_bytes),
        NewArtifact(type=ArtifactType.LOCKFILE, key=lockfile, digest=event.lockfile_digest),
    )
    await record_artifacts(transaction.session, locked.build.id, artifacts)


async def _request_artifacts(transaction: Transaction, locked: LockedBuild, now: datetime) -> None:
    order = Order.from_value(locked.build.order or {})
    for name in order.artifacts:
        await request_stage(transaction, locked.build, artifact_stage(ArtifactType(name)), now)
    if not order.artifacts:
        await tell_if_artifacts_completed(transaction, locked, Act(actor=None, now=now))


async def _become_current(transaction: Transaction, locked: LockedBuild, path: str, now: datetime) -> None:
    generation = await choose_completed_build(transaction.session, locked.build, now)
    if generation is not None:
        changed = public_events.EnvironmentCurrentBuildChanged(build_key=locked.build.build_key)
        record_build_event(transaction, locked, changed, now)
        await request_link(transaction, locked, path, generation, now)
