"""Marks a build canceled and tells the workers (design §3.9)."""

from datetime import datetime

from conda_store_api.repositories.builds import end_build, lock_build
from conda_store_api.repositories.stages import cancel_stages
from conda_store_api.use_cases.ledger.public_events import record_build_event
from conda_store_shared.contracts.events import BuildCanceled
from conda_store_shared.domain.build import BuildStatus
from conda_store_shared.domain.storage_keys import canceled_key
from conda_store_shared.errors import NotFound
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.transaction import Transaction


async def cancel_build(build_id: int, transaction: Transaction, now: datetime) -> str | None:
    """Cancel what has not ended; of a COMPLETED build only the artifacts still pending.

    Returns the build key when the build itself was canceled.  Raises NotFound.
    """
    session = transaction.session
    locked = await lock_build(session, build_id, with_order=False)
    if locked is None:
        raise NotFound("build id does not exist")
    canceled = await end_build(session, locked.build, BuildStatus.CANCELED, {"ended_on": now, "status_info": None})
    if await cancel_stages(session, build_id):
        transaction.publish(BuildCanceled(build_id=build_id, build_key=locked.build.build_key))
    if not canceled:
        return None
    record_build_event(transaction, locked, "build.canceled", now)
    return locked.build.build_key


async def mark_canceled(store: ObjectStore, build_key: str) -> None:
    """Leave the marker that stops requests not yet begun; without it a worker is told when it reports its start."""
    await store.put(canceled_key(build_key), b"", "text/plain")
