"""Put an artifact that is made of parts into the store."""

from collections.abc import AsyncIterator, Sequence

from conda_store_artifacts.domain.fragment import Blob
from conda_store_artifacts.use_cases.artifact_tools import Making, Stored
from conda_store_artifacts.use_cases.read_parts import Part, read_parts
from conda_store_artifacts.use_cases.side_digest import SideDigest
from conda_store_shared.domain.storage_keys import content_type_of
from conda_store_shared.storage.object_store import ObjectStore


async def store_parts(parts: Sequence[Part], making: Making, *, store: ObjectStore, seal: bool = False) -> Stored:
    """Store ``parts`` as one object, streamed; with ``seal`` the digest of all comes last, as a line of its own.

    Raises BlobDamaged.
    """
    passing = _Passing(making, sum(part.size for part in parts if isinstance(part, Blob)), seal)
    async with read_parts(parts, store) as pieces:
        await store.put_stream(making.key, passing.through(pieces), content_type_of(making.key))
    return Stored(size=passing.digest.size, digest=await passing.digest.hexdigest())


class _Passing:
    """Counts and hashes what goes through."""

    def __init__(self, making: Making, total: int, seal: bool) -> None:
        self.digest = SideDigest()
        self._making = making
        self._total = total
        self._seal = seal

    async def through(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for piece in pieces:
            await self.digest.update(piece)
            yield piece
            self._making.context.progress(self.digest.size, max(self._total, self.digest.size), "bytes")
        if self._seal:
            seal = f"{await self.digest.hexdigest()}\n".encode()
            await self.digest.update(seal)
            yield seal
