"""Writes the LOGS object of builds that are over (design §3.10)."""

from datetime import datetime

from conda_store_api.repositories.artifacts import NewArtifact, record_artifact
from conda_store_api.repositories.logs import is_log_wanted, list_builds_without_log, mark_log_stored
from conda_store_api.use_cases.request_discard import BuildRef, request_artifact_discard
from conda_store_shared.db.queries.builds import list_log_pieces
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.storage_keys import artifact_key, content_type_of
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.transaction import Transactions


async def store_logs(transactions: Transactions, store: ObjectStore, now: datetime) -> int:
    """Write the logs of builds whose stages are all over; return how many.

    A log that grows meanwhile is written again.  Raises DatabaseUnavailable, StorageUnavailable.
    """
    async with transactions.database.session() as session:
        builds = await list_builds_without_log(session, 50)
    stored = [await _put_log(transactions, store, build_id, build_key) for build_id, build_key, _ in builds]
    if not builds:
        return 0
    async with transactions.begin() as transaction:
        for (build_id, build_key, log_bytes), artifact in zip(builds, stored, strict=True):
            if await mark_log_stored(transaction.session, build_id, log_bytes, now):
                await record_artifact(transaction.session, build_id, artifact)
            elif not await is_log_wanted(transaction.session, build_id):
                # The build was deleted while the object was written.
                request_artifact_discard(transaction, BuildRef(build_id, build_key), (artifact.key,), now)
    return len(builds)


async def _put_log(transactions: Transactions, store: ObjectStore, build_id: int, build_key: str) -> NewArtifact:
    async with transactions.database.session() as session:
        pieces = await list_log_pieces(session, build_id)
    key = artifact_key(ArtifactType.LOGS, build_key)
    text = "".join(lines for _stage, _attempt, lines in pieces).encode()
    await store.put(key, text, content_type_of(key))
    return NewArtifact(type=ArtifactType.LOGS, key=key, size=len(text))
