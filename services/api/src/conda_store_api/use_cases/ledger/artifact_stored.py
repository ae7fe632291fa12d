"""An artifact is in the object store."""

from datetime import datetime

from conda_store_api.repositories.artifacts import NewArtifact, is_recorded, record_artifacts
from conda_store_api.repositories.attempts import note_attempt
from conda_store_api.repositories.builds import lock_build
from conda_store_api.repositories.stages import DONE, change_stage
from conda_store_api.use_cases.act import Act
from conda_store_api.use_cases.ledger.artifacts_completed import tell_if_artifacts_completed
from conda_store_api.use_cases.ledger.public_events import record_build_event
from conda_store_api.use_cases.request_discard import BuildRef, request_artifact_discard
from conda_store_shared.contracts import public_events
from conda_store_shared.contracts.events import ArtifactStored
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.build import BuildStatus
from conda_store_shared.transaction import Transaction


async def artifact_stored(event: ArtifactStored, transaction: Transaction, now: datetime) -> None:
    """Record the artifact; one that nobody waits for any more is to be discarded."""
    session = transaction.session
    locked = await lock_build(session, event.build_id, with_order=False)
    if locked is None or locked.build.status != BuildStatus.COMPLETED or locked.is_deleted:
        return await _discard_unless_recorded(event, transaction, now)
    await note_attempt(session, event, "done")
    if not await change_stage(session, event.build_id, event.stage, {"state": DONE}):
        # The stage was canceled or given up, and no row will name the object; or this is a repeat.
        return await _discard_unless_recorded(event, transaction, now)
    artifacts = [
        NewArtifact(type=ArtifactType(event.artifact_type), key=key, size=event.size, digest=event.digest)
        for key in (event.key, *event.further_keys)
    ]
    await record_artifacts(session, event.build_id, artifacts)
    stored = public_events.ArtifactStored(
        build_key=locked.build.build_key, artifact_type=event.artifact_type, size=event.size, digest=event.digest
    )
    record_build_event(transaction, locked, stored, now)
    await tell_if_artifacts_completed(transaction, locked, Act(actor=None, now=now))


async def _discard_unless_recorded(event: ArtifactStored, transaction: Transaction, now: datetime) -> None:
    if event.artifact_type == ArtifactType.CONTAINER_REGISTRY:
        # It is in somebody else's registry, which we only ever add to.
        return
    if not await is_recorded(transaction.session, event.build_id, event.key):
        build = BuildRef(event.build_id, event.build_key)
        request_artifact_discard(transaction, build, (event.key,), now)
