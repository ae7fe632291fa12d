"""Tells when the last of the artifacts that were wanted of a build has come, or will not come."""

from conda_store_api.repositories.builds import LockedBuild
from conda_store_api.repositories.stages import DONE, OPEN, list_artifact_stages
from conda_store_api.use_cases.act import Act
from conda_store_api.use_cases.ledger.public_events import record_act
from conda_store_shared.contracts.public_events import BuildArtifactsCompleted
from conda_store_shared.transaction import Transaction


async def tell_if_artifacts_completed(transaction: Transaction, locked: LockedBuild, act: Act) -> None:
    """Write ``build.artifacts_completed`` when every wanted artifact has an outcome: its type under it.

    To be called where the build is held and one of its artifacts has just got its outcome.  An artifact that is asked
    for later, such as an image that somebody pulls, makes it come once more.
    """
    stages = await list_artifact_stages(transaction.session, locked.build.id)
    if any(state in OPEN for state in stages.values()):
        return
    completed = BuildArtifactsCompleted(
        build_key=locked.build.build_key,
        stored=tuple(sorted(kind for kind, state in stages.items() if state == DONE)),
        failed=tuple(sorted(kind for kind, state in stages.items() if state != DONE)),
    )
    record_act(transaction, locked, completed, act)
