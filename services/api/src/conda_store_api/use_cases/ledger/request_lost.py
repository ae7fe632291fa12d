"""A request the broker gave up on: it was delivered too often without being acknowledged (design §4.6)."""

from datetime import datetime

from conda_store_api.repositories.attempts import list_attempts
from conda_store_api.repositories.builds import lock_build
from conda_store_api.repositories.stages import OPEN
from conda_store_api.use_cases.ledger.end_stage import end_stage, worker_lost
from conda_store_api.use_cases.ledger.requests import request_stage
from conda_store_shared.contracts.events import ArtifactRequested, BuildEvent, PrefixRequested
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.stage import PREFIX, SOLVE, artifact_stage
from conda_store_shared.transaction import Transaction


async def request_lost(event: BuildEvent, transaction: Transaction, now: datetime) -> None:
    """Request the stage again, or end it when its attempts died too often."""
    session = transaction.session
    name = _stage_of(event)
    locked = await lock_build(session, event.build_id, with_order=False)
    stage, attempts = await list_attempts(session, event.build_id, name)
    if locked is None or stage is None or stage.state not in OPEN:
        return
    if attempts.is_given_up(with_newest=True):
        return await end_stage(transaction, locked, name, worker_lost(name, stage.code), now)
    await request_stage(transaction, locked.build, name, now)


def _stage_of(event: BuildEvent) -> str:
    if isinstance(event, ArtifactRequested):
        return artifact_stage(ArtifactType(event.artifact_type))
    return PREFIX if isinstance(event, PrefixRequested) else SOLVE
