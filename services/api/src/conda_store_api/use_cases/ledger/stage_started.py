"""A worker began an attempt."""

from datetime import datetime

from conda_store_api.repositories.attempts import note_attempt
from conda_store_api.repositories.builds import LockedBuild, advance_build, lock_build
from conda_store_api.repositories.stages import OPEN, RUNNING, change_stage
from conda_store_api.use_cases.ledger.end_stage import end_stage, worker_lost
from conda_store_api.use_cases.ledger.public_events import record_started
from conda_store_shared.contracts.events import AttemptEvent, BuildCanceled, StageStarted
from conda_store_shared.domain.build import BuildStatus
from conda_store_shared.domain.stage import RANK_OF_STAGE, StageName, artifact_type_of
from conda_store_shared.transaction import Transaction


async def stage_started(event: StageStarted, transaction: Transaction, now: datetime) -> None:
    """Note the attempt; tell its worker to stop when nobody waits for it, give up when too many died before it."""
    session = transaction.session
    locked = await lock_build(session, event.build_id, with_order=False)
    if locked is None:
        return transaction.publish(BuildCanceled(build_id=event.build_id, build_key=event.build_key))
    heard = await note_attempt(session, event)
    stage = heard.stage
    if stage is None or stage.state not in OPEN:
        if locked.build.status in (BuildStatus.CANCELED, BuildStatus.FAILED) or locked.is_deleted:
            transaction.publish(BuildCanceled(build_id=event.build_id, build_key=event.build_key))
        return
    if heard.attempts.is_given_up(with_newest=False):
        await end_stage(transaction, locked, event.stage, worker_lost(event.stage, stage.code), now)
        if artifact_type_of(event.stage) is None:
            # What a COMPLETED build still waits for goes on; this attempt's artifact will be discarded.
            transaction.publish(BuildCanceled(build_id=event.build_id, build_key=event.build_key))
        return
    # Its end may have overtaken its start.
    if heard.is_news and heard.attempts.is_at_work(event.attempt_id):
        await mark_running(event, transaction, locked, now)


async def mark_running(event: AttemptEvent, transaction: Transaction, locked: LockedBuild, now: datetime) -> None:
    """Note that an attempt at an open stage is at work, and that the build has come as far."""
    session, build = transaction.session, locked.build
    await change_stage(session, build.id, event.stage, {"state": RUNNING, "heard_on": now})
    rank = RANK_OF_STAGE.get(StageName(event.stage))
    if rank is not None:
        record_started(transaction, locked, now)
        await advance_build(session, build, rank, now)
