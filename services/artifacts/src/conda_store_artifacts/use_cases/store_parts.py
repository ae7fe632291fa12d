"""Put an artifact that is made of parts into the store."""

import hashlib
from collections.abc import AsyncIterator, Sequence

from conda_store_artifacts.domain.fragment import Blob
from conda_store_artifacts.use_cases.artifact_tools import Making, Stored
from conda_store_artifacts.use_cases.read_parts import Part, read_parts
from conda_store_shared.domain.storage_keys import content_type_of
from conda_store_shared.storage.object_store import ObjectStore


async def store_parts(parts: Sequence[Part], making: Making, *, store: ObjectStore, seal: bool = False) -> Stored:
    """Store ``parts`` as one object, streamed; with ``seal`` the digest of all comes last, as a line of its own.

    Raises BlobDamaged.
    """
    passing = _Passing(making, sum(part.size for part in parts if isinstance(part, Blob)), seal)
    async with read_parts(parts, store) as pieces:
        await store.put_stream(making.key, passing.through(pieces), content_type_of(making.key))
    return Stored(size=passing.size, digest=passing.hasher.hexdigest())


class _Passing:
    """Counts and hashes what goes through."""

    def __init__(self, making: Making, total: int, seal: bool) -> None:
        self.size = 0
        self.hasher = hashlib.sha256()
        self._making = making
        self._total = total
        self._seal = seal

    async def through(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for piece in pieces:
            yield self._count(piece)
            self._making.context.progress(self.size, max(self._total, self.size), "bytes")
        if self._seal:
            yield self._count(f"{self.hasher.hexdigest()}\n".encode())

    def _count(self, piece: bytes) -> bytes:
        self.hasher.update(piece)
        self.size += len(piece)
        return piece
