"""A lockfile is in the object store."""

from datetime import datetime

from conda_store_api.repositories.artifacts import NewArtifact, record_artifact
from conda_store_api.repositories.attempts import note_attempt
from conda_store_api.repositories.builds import advance_build, lock_build
from conda_store_api.repositories.stages import DONE, change_stage
from conda_store_api.use_cases.ledger.public_events import record_solved, record_started
from conda_store_api.use_cases.ledger.requests import request_stage
from conda_store_api.use_cases.request_discard import BuildRef, request_artifact_discard
from conda_store_shared.contracts.events import LockfileSolved
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.build import Rank
from conda_store_shared.domain.stage import PREFIX
from conda_store_shared.domain.storage_keys import artifact_key
from conda_store_shared.transaction import Transaction


async def lockfile_solved(event: LockfileSolved, transaction: Transaction, now: datetime) -> None:
    """Record the lockfile and ask for the prefix; a repeat, and word of a build that is over, change nothing."""
    session = transaction.session
    locked = await lock_build(session, event.build_id, with_order=False)
    key = artifact_key(ArtifactType.LOCKFILE, event.build_key)
    if locked is None or locked.is_erased:
        return request_artifact_discard(transaction, BuildRef(event.build_id, event.build_key), (key,), now)
    await note_attempt(session, event, "done")
    if not await change_stage(session, event.build_id, event.stage, {"state": DONE}) or not locked.is_active:
        return
    record_started(transaction, locked, now)
    await advance_build(session, locked.build, Rank.SOLVED, now, lockfile_digest=event.lockfile_digest)
    lockfile = NewArtifact(type=ArtifactType.LOCKFILE, key=key, digest=event.lockfile_digest)
    await record_artifact(session, event.build_id, lockfile)
    await request_stage(transaction, locked.build, PREFIX, now)
    record_solved(transaction, locked, event.lockfile_digest, now)
