"""Marks a build canceled and tells the workers (design §3.9)."""

from conda_store_api.repositories.builds import end_build, lock_build
from conda_store_api.repositories.logs import note_in_log
from conda_store_api.repositories.stages import cancel_stages, find_stage
from conda_store_api.use_cases.act import Act
from conda_store_api.use_cases.ledger.artifacts_completed import tell_if_artifacts_completed
from conda_store_api.use_cases.ledger.public_events import record_act
from conda_store_api.use_cases.let_build_go import discard_prefix
from conda_store_shared.contracts import public_events
from conda_store_shared.contracts.events import BuildCanceled
from conda_store_shared.domain.build import BuildStatus
from conda_store_shared.domain.stage import PREFIX
from conda_store_shared.domain.storage_keys import canceled_key
from conda_store_shared.errors import NotFound
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.transaction import Transaction

_TOLD = "build {} marked as CANCELED due to being canceled from the REST API\n"


async def cancel_build(build_id: int, act: Act, transaction: Transaction) -> str | None:
    """Cancel what has not ended; of a COMPLETED build only the artifacts still pending.

    Returns the build key when the build itself was canceled.  Raises NotFound.
    """
    session, now = transaction.session, act.now
    locked = await lock_build(session, build_id, with_order=False)
    if locked is None:
        raise NotFound("build id does not exist")
    canceled = await end_build(session, locked.build, BuildStatus.CANCELED, {"ended_on": now, "status_info": None})
    if await cancel_stages(session, build_id):
        transaction.publish(BuildCanceled(build_id=build_id, build_key=locked.build.build_key))
        if not canceled:
            await tell_if_artifacts_completed(transaction, locked, act)
    if not canceled:
        return None
    record_act(transaction, locked, public_events.BuildCanceled(build_key=locked.build.build_key), act)
    await note_in_log(session, build_id, now, _TOLD.format(build_id))
    if await find_stage(session, build_id, PREFIX) is not None:
        # It may be in place already, with nobody left to say so.
        await discard_prefix(transaction, locked.build, now)
    return locked.build.build_key


async def mark_canceled(store: ObjectStore, build_key: str) -> None:
    """Leave the marker that stops requests not yet begun; without it a worker is told when it reports its start."""
    await store.put(canceled_key(build_key), b"", "text/plain")
