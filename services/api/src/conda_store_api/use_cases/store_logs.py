"""Writes the LOGS object of builds that are over (design §3.10)."""

from datetime import datetime

from conda_store_api.repositories.artifacts import NewArtifact, record_artifact
from conda_store_api.repositories.logs import list_builds_without_log, mark_log_stored
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
    for build_id, build_key, log_bytes in builds:
        async with transactions.database.session() as session:
            pieces = await list_log_pieces(session, build_id)
        key = artifact_key(ArtifactType.LOGS, build_key)
        text = "".join(lines for _stage, _attempt, lines in pieces).encode()
        await store.put(key, text, content_type_of(key))
        async with transactions.begin() as transaction:
            if await mark_log_stored(transaction.session, build_id, log_bytes, now):
                artifact = NewArtifact(type=ArtifactType.LOGS, key=key, size=len(text))
                await record_artifact(transaction.session, build_id, artifact)
    return len(builds)
