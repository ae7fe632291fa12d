"""An attempt ended without its product."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from conda_store_api.repositories.attempts import note_attempt
from conda_store_api.repositories.builds import LockedBuild, lock_build, set_status_info
from conda_store_api.repositories.stages import OPEN, WAITING, change_stage, find_stage
from conda_store_api.use_cases.ledger.end_stage import end_stage, worker_lost
from conda_store_api.use_cases.ledger.requests import request_stage
from conda_store_shared.contracts.events import StageFailed
from conda_store_shared.db.models import BuildStage
from conda_store_shared.domain.stage import PREFIX, SOLVE, FailureCode
from conda_store_shared.errors import StageFailure
from conda_store_shared.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Pauses before a stage is requested again, in seconds: exponential with full jitter."""

    first: float = 2.0
    longest: float = 300.0

    def pause(self, failures: int) -> timedelta:
        """Pause after the stage failed ``failures`` times before."""
        longest = min(self.longest, self.first * 2 ** min(failures, 20))
        return timedelta(seconds=random.uniform(0, longest))  # noqa: S311 - jitter


async def stage_failed(event: StageFailed, transaction: Transaction, now: datetime, policy: RetryPolicy) -> None:
    """End the stage, or plan to request it again.  Only the newest attempt at an open stage has a say."""
    session = transaction.session
    locked = await lock_build(session, event.build_id, with_order=False)
    if locked is None:
        return
    heard = await note_attempt(session, event, event.code[:64])
    stage = heard.stage
    if not heard.is_news or stage is None or stage.state not in OPEN or not heard.attempts.is_newest(event.attempt_id):
        return
    failure = StageFailure(event.code, event.detail, transient=event.transient)
    if heard.attempts.is_given_up(with_newest=True):
        return await end_stage(transaction, locked, event.stage, worker_lost(event.stage, event.detail), now)
    if not event.transient or (locked.build.deadline is not None and now > locked.build.deadline):
        return await end_stage(transaction, locked, event.stage, failure, now)
    await _plan_again(transaction, locked, stage, failure, now + policy.pause(stage.failures))


async def _plan_again(
    transaction: Transaction, locked: LockedBuild, stage: BuildStage, failure: StageFailure, not_before: datetime
) -> None:
    values = {
        "state": WAITING,
        "not_before": not_before,
        "failures": stage.failures + 1,
        "code": failure.cause,
        "detail": failure.detail,
    }
    await change_stage(transaction.session, stage.build_id, stage.stage, values)
    reason = failure.detail.strip().partition("\n")[0]
    await set_status_info(transaction.session, locked.build, f"{failure.cause}: {reason} – trying again")
    if failure.cause == FailureCode.INPUT_MISSING:
        await _make_input_again(transaction, locked, stage.stage, not_before)


async def _make_input_again(transaction: Transaction, locked: LockedBuild, stage: str, now: datetime) -> None:
    """Request what the stage before leaves in the object store: the lockfile, or the record of the prefix."""
    if stage == SOLVE or (stage == PREFIX and not locked.is_active):
        # The order is put again with each request; the lockfile of a completed build is never another one.
        return
    before = SOLVE if stage == PREFIX else PREFIX
    earlier = await find_stage(transaction.session, locked.build.id, before)
    if earlier is None or earlier.state not in OPEN:
        await request_stage(transaction, locked.build, before, now)
