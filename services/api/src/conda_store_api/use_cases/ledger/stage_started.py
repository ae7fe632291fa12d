"""A worker began an attempt."""

from datetime import datetime

from conda_store_api.repositories.builds import LockedBuild, advance_build, lock_build
from conda_store_api.repositories.stages import (
    OPEN,
    RUNNING,
    change_stage,
    find_stage,
    is_at_work,
    is_given_up,
    note_attempt,
)
from conda_store_api.use_cases.ledger.end_stage import end_stage, worker_lost
from conda_store_api.use_cases.ledger.public_events import record_build_event
from conda_store_shared.contracts.events import AttemptEvent, BuildCanceled, StageStarted
from conda_store_shared.domain.build import BuildStatus
from conda_store_shared.domain.stage import RANK_OF_STAGE, StageName, artifact_type_of
from conda_store_shared.transaction import Transaction


async def stage_started(event: StageStarted, transaction: Transaction, now: datetime) -> None:
    """Note the attempt; tell its worker to stop when nobody waits for it, give up when too many died before it."""
    session = transaction.session
    locked = await lock_build(session, event.build_id)
    if locked is None:
        return transaction.publish(BuildCanceled(build_id=event.build_id, build_key=event.build_key))
    stage = await find_stage(session, event.build_id, event.stage)
    is_running = await note_attempt(session, event)
    if stage is None or stage.state not in OPEN:
        if locked.build.status in (BuildStatus.CANCELED, BuildStatus.FAILED):
            transaction.publish(BuildCanceled(build_id=event.build_id, build_key=event.build_key))
        return
    if await is_given_up(session, event.build_id, event.stage, with_newest=False):
        await end_stage(transaction, locked, event.stage, worker_lost(event.stage, stage.code), now)
        if artifact_type_of(event.stage) is None:
            # What a COMPLETED build still waits for goes on; this attempt's artifact will be discarded.
            transaction.publish(BuildCanceled(build_id=event.build_id, build_key=event.build_key))
        return
    # Its end may have overtaken its start.
    if is_running:
        await mark_running(event, transaction, locked, now)


async def mark_running(event: AttemptEvent, transaction: Transaction, locked: LockedBuild, now: datetime) -> None:
    """Note that the newest attempt at an open stage is at work, and that the build has come as far."""
    session, build = transaction.session, locked.build
    if not await is_at_work(session, event):
        return
    await change_stage(session, build.id, event.stage, {"state": RUNNING, "heard_on": now})
    rank = RANK_OF_STAGE.get(StageName(event.stage))
    if rank is not None:
        if locked.is_active and build.status == BuildStatus.QUEUED:
            record_build_event(transaction, locked, "build.started", now)
        await advance_build(session, build.id, rank, now)
