"""A worker that stops on purpose gave its attempt up."""

from datetime import datetime

from conda_store_api.repositories.attempts import note_attempt
from conda_store_api.repositories.builds import lock_build
from conda_store_api.repositories.stages import REQUESTED, change_stage
from conda_store_shared.contracts.events import StageInterrupted
from conda_store_shared.transaction import Transaction


async def stage_interrupted(event: StageInterrupted, transaction: Transaction, now: datetime) -> None:
    """Note that the attempt does not count; its request went back to the broker, so the stage waits again."""
    session = transaction.session
    if await lock_build(session, event.build_id, with_order=False) is None:
        return
    heard = await note_attempt(session, event, "interrupted")
    if heard.is_news and heard.attempts.is_newest(event.attempt_id):
        await change_stage(session, event.build_id, event.stage, {"state": REQUESTED, "requested_on": now})
