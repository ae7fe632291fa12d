"""An artifact is in the object store."""

from datetime import datetime

from conda_store_api.repositories.artifacts import NewArtifact, record_artifact
from conda_store_api.repositories.attempts import note_attempt
from conda_store_api.repositories.builds import lock_build
from conda_store_api.repositories.stages import DONE, change_stage
from conda_store_api.use_cases.ledger.public_events import record_build_event
from conda_store_shared.contracts.events import ArtifactDiscardRequested, ArtifactStored
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.build import BuildStatus
from conda_store_shared.transaction import Transaction


async def artifact_stored(event: ArtifactStored, transaction: Transaction, now: datetime) -> None:
    """Record the artifact; one that nobody waits for any more is to be discarded."""
    session = transaction.session
    locked = await lock_build(session, event.build_id, with_order=False)
    if locked is None or locked.build.status != BuildStatus.COMPLETED or locked.build.deleted_on is not None:
        return _discard(event, transaction)
    heard = await note_attempt(session, event, "done")
    if not await change_stage(session, event.build_id, event.stage, {"state": DONE}):
        # A repeat of what is recorded; else the stage was canceled or given up, and no row will name the object.
        return None if heard.stage is not None and heard.stage.state == DONE else _discard(event, transaction)
    artifact = NewArtifact(
        type=ArtifactType(event.artifact_type), key=event.key, size=event.size, digest=event.digest
    )
    await record_artifact(session, event.build_id, artifact)
    data = {"artifact_type": event.artifact_type, "size": event.size, "digest": event.digest}
    record_build_event(transaction, locked, "artifact.stored", now, data)


def _discard(event: ArtifactStored, transaction: Transaction) -> None:
    keys = (event.key,)
    transaction.publish(ArtifactDiscardRequested(build_id=event.build_id, build_key=event.build_key, keys=keys))
