"""Tells when the last of the artifacts that were wanted of a build has come, or will not come."""

from datetime import datetime

from conda_store_api.repositories.builds import LockedBuild
from conda_store_api.repositories.stages import DONE, OPEN, list_artifact_stages
from conda_store_api.use_cases.ledger.public_events import record_build_event
from conda_store_shared.domain.public_event import PublicEventType
from conda_store_shared.transaction import Transaction


async def tell_if_artifacts_completed(transaction: Transaction, locked: LockedBuild, now: datetime) -> None:
    """Write ``build.artifacts_completed`` when every wanted artifact has an outcome: its type under it.

    To be called where the build is held and one of its artifacts has just got its outcome.  An artifact that is asked
    for later, such as an image that somebody pulls, makes it come once more.
    """
    stages = await list_artifact_stages(transaction.session, locked.build.id)
    if any(state in OPEN for state in stages.values()):
        return
    data = {
        "stored": sorted(kind for kind, state in stages.items() if state == DONE),
        "failed": sorted(kind for kind, state in stages.items() if state != DONE),
    }
    record_build_event(transaction, locked, PublicEventType.BUILD_ARTIFACTS_COMPLETED, now, data)
