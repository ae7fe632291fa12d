"""An attempt is alive."""

from datetime import datetime

from conda_store_api.repositories.attempts import note_attempt
from conda_store_api.repositories.builds import lock_build
from conda_store_api.repositories.stages import REQUESTED, change_stage
from conda_store_api.use_cases.ledger.stage_started import mark_running
from conda_store_shared.contracts.events import BuildCanceled, StageProgress
from conda_store_shared.domain.build import BuildStatus
from conda_store_shared.transaction import Transaction


async def stage_progress(event: StageProgress, transaction: Transaction, now: datetime) -> None:
    """Note how far the newest attempt is; it may be the first word heard of it."""
    session = transaction.session
    locked = await lock_build(session, event.build_id, with_order=False)
    if locked is None:
        return transaction.publish(BuildCanceled(build_id=event.build_id, build_key=event.build_key))
    heard = await note_attempt(session, event)
    if locked.build.status in (BuildStatus.CANCELED, BuildStatus.FAILED) or locked.is_deleted:
        # Its worker was out of reach when it was told.
        return transaction.publish(BuildCanceled(build_id=event.build_id, build_key=event.build_key))
    if heard.stage is None or not heard.attempts.is_at_work(event.attempt_id):
        return
    if heard.stage.state == REQUESTED:
        await mark_running(event, transaction, locked, now)
    values = {"done": event.done, "total": event.total, "unit": event.unit[:32], "heard_on": now}
    await change_stage(session, event.build_id, event.stage, values)
