"""Ends a stage without its product, and the build with it when the build cannot be without it."""

from datetime import datetime

from conda_store_api.repositories.builds import LockedBuild, end_build
from conda_store_api.repositories.stages import FAILED, cancel_stages, change_stage
from conda_store_api.use_cases.act import Act
from conda_store_api.use_cases.ledger.artifacts_completed import tell_if_artifacts_completed
from conda_store_api.use_cases.ledger.public_events import record_build_event
from conda_store_api.use_cases.let_build_go import discard_prefix
from conda_store_shared.contracts import public_events
from conda_store_shared.contracts.events import BuildCanceled
from conda_store_shared.domain.build import BuildStatus
from conda_store_shared.domain.stage import PREFIX, FailureCode, artifact_type_of
from conda_store_shared.errors import StageFailure
from conda_store_shared.transaction import Transaction


def worker_lost(stage: str, last_cause: str | None) -> StageFailure:
    """Return the failure of a stage whose attempts died too often."""
    cause = f"; last known cause: {last_cause}" if last_cause else ""
    return StageFailure(
        FailureCode.WORKER_LOST, f"three attempts at stage {stage} were started and ended without a word{cause}"
    )


async def end_stage(
    transaction: Transaction, locked: LockedBuild, stage: str, failure: StageFailure, now: datetime
) -> None:
    """Record the failure of a stage.  A failed artifact leaves its build COMPLETED; any other stage fails the build."""
    session, build = transaction.session, locked.build
    values = {"state": FAILED, "code": failure.cause, "detail": failure.detail}
    if not await change_stage(session, build.id, stage, values):
        return
    if artifact_type := artifact_type_of(stage):
        lacking = public_events.ArtifactFailed(
            build_key=build.build_key, artifact_type=artifact_type.value, code=failure.cause, detail=failure.detail
        )
        record_build_event(transaction, locked, lacking, now)
        await tell_if_artifacts_completed(transaction, locked, Act(actor=None, now=now))
        return
    status_info = f"{failure.cause}: {failure.detail}"
    if failure.cause == FailureCode.PREFIX_TOO_LONG:
        status_info = failure.detail
    if await end_build(session, build, BuildStatus.FAILED, {"ended_on": now, "status_info": status_info}):
        await cancel_stages(session, build.id)
        failed = public_events.BuildFailed(
            build_key=build.build_key, stage=stage, code=failure.cause, detail=failure.detail
        )
        record_build_event(transaction, locked, failed, now)
        if stage == PREFIX:
            # The last attempt may have put it in place before it died.
            await discard_prefix(transaction, build, now)
        if failure.cause == FailureCode.WORKER_LOST:
            # An attempt that was only cut off may still be running somewhere.
            transaction.publish(BuildCanceled(build_id=build.id, build_key=build.build_key))
