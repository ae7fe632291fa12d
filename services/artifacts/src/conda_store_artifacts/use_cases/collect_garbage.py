"""Remove blobs that no artifact needs and nobody is about to use."""

from datetime import datetime

import structlog

from conda_store_artifacts.domain.fragment import Blob
from conda_store_artifacts.repositories.blobs import (
    claim_unused_blob,
    forget_blob,
    list_unused_blobs,
    take_turn_at_collecting,
)
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.transaction import Transactions

_AT_ONCE = 100

log = structlog.get_logger()


async def collect_garbage(before: datetime, *, transactions: Transactions, store: ObjectStore) -> int:
    """Remove every blob that nobody has used since ``before`` and no artifact needs; returns how many.

    What began after ``before`` has noted its use of a blob, unless it comes now: it then waits until the blob is gone,
    and makes it again.  Raises DatabaseUnavailable, StorageUnavailable: what is left is collected the next time.
    """
    collected, last = 0, ""
    while True:
        async with transactions.database.session() as session:
            unused = await list_unused_blobs(session, before, _AT_ONCE, last)
        for blob in unused:
            collected += await _collect(blob, before, transactions, store)
        if len(unused) < _AT_ONCE:
            if collected:
                log.info("blobs_collected", count=collected)
            return collected
        last = unused[-1].digest


async def _collect(blob: Blob, before: datetime, transactions: Transactions, store: ObjectStore) -> bool:
    async with transactions.begin() as transaction:
        session = transaction.session
        if not await take_turn_at_collecting(session) or not await claim_unused_blob(session, blob.digest, before):
            return False
        # When we die between these two, the row stays, and whoever relies on it finds out and makes the blob again.
        await store.delete(blob.key)
        await forget_blob(session, blob.digest)
        return True
