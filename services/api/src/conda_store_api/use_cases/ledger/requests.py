"""Asks a stage for its product: the stage row and the message that goes with it."""

from datetime import datetime

from conda_store_api.repositories.stages import open_stage
from conda_store_shared.contracts.events import ArtifactRequested, BuildEvent, PrefixRequested, SolveRequested
from conda_store_shared.db.models import Build
from conda_store_shared.domain.stage import PREFIX, SOLVE, artifact_type_of
from conda_store_shared.transaction import Transaction


def request_for(build: Build, stage: str) -> BuildEvent:
    """Return the message that asks for ``stage``."""
    order_digest, lockfile_digest = build.order_digest or "", build.lockfile_digest or ""
    if stage == SOLVE:
        return SolveRequested(build_id=build.id, build_key=build.build_key, order_digest=order_digest)
    if stage == PREFIX:
        return PrefixRequested(
            build_id=build.id, build_key=build.build_key, order_digest=order_digest, lockfile_digest=lockfile_digest
        )
    return ArtifactRequested(
        build_id=build.id,
        build_key=build.build_key,
        artifact_type=str(artifact_type_of(stage)),
        order_digest=order_digest,
        lockfile_digest=lockfile_digest,
    )


async def request_stage(transaction: Transaction, build: Build, stage: str, now: datetime) -> None:
    """Open the stage and send its request with this transaction, as part of what the build began with."""
    await open_stage(transaction.session, build.id, stage, now)
    transaction.publish(request_for(build, stage), build.traceparent)
