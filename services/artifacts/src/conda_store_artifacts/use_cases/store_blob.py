"""Put shared objects into the store, each once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from conda_store_artifacts.domain.fragment import Blob
from conda_store_artifacts.repositories.blobs import note_blobs
from conda_store_shared.db.moments import now
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.transaction import Transactions

_AT_ONCE = 8
_ROOM = 16 * 1024 * 1024
_CONTENT_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalBlob:
    """A blob whose bytes are in the file ``path``."""

    blob: Blob
    path: Path


async def store_blobs(local: Sequence[LocalBlob], *, transactions: Transactions, store: ObjectStore) -> None:
    """Store every blob that is not there yet.  Afterwards they stay for as long as a stage may take.

    The row comes before the object: who removes unused blobs sees it, and leaves the object alone.
    """
    if not local:
        return
    async with transactions.begin() as transaction:
        await note_blobs(transaction.session, [each.blob for each in local], now())
    room = _Room()

    async def put(each: LocalBlob) -> None:
        async with room.of(each.blob.size):
            stored = await store.head(each.blob.key)
            if stored is None or stored.size != each.blob.size:
                await store.put_file(each.blob.key, each.path, _CONTENT_TYPE)

    try:
        async with asyncio.TaskGroup() as group:
            for each in {each.blob.digest: each for each in local}.values():
                group.create_task(put(each))
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from failures


class _Room:
    """Memory for what is sent at once: many small blobs, or one large one, of which the store holds some parts."""

    def __init__(self) -> None:
        self._taken = 0
        self._sent = 0
        self._freed = asyncio.Condition()

    @asynccontextmanager
    async def of(self, size: int) -> AsyncIterator[None]:
        size = min(size, _ROOM)
        async with self._freed:
            await self._freed.wait_for(lambda: self._taken + size <= _ROOM and self._sent < _AT_ONCE)
            self._taken += size
            self._sent += 1
        try:
            yield
        finally:
            async with self._freed:
                self._taken -= size
                self._sent -= 1
                self._freed.notify_all()


async def store_blob(local: LocalBlob, *, transactions: Transactions, store: ObjectStore) -> None:
    """Store one blob, unless it is there."""
    await store_blobs([local], transactions=transactions, store=store)
