"""The object store: what every implementation must do."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """What is known of an object: ``size`` in bytes; ``etag`` is opaque and without quotes."""

    key: str
    size: int
    etag: str
    modified: datetime | None = None


class ObjectStore(Protocol):
    """Objects by key.  Every method raises StorageUnavailable when the store does not answer in time.

    An object appears whole or not at all; putting it again replaces it.
    """

    async def put(self, key: str, content: bytes, content_type: str) -> StoredObject:
        """Store a small object."""
        ...

    async def put_file(self, key: str, path: Path, content_type: str) -> StoredObject:
        """Store a file of any size, streamed: never whole in memory."""
        ...

    async def put_stream(self, key: str, pieces: AsyncIterator[bytes], content_type: str) -> StoredObject:
        """Store what ``pieces`` yields, in bounded memory; when it raises, nothing is stored."""
        ...

    async def get(self, key: str, limit: int) -> bytes:
        """Return a small object; raises NotFound, or TooLarge when it has more than ``limit`` bytes."""
        ...

    def stream(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Yield the bytes ``start`` to ``end`` (exclusive) in pieces; raises NotFound."""
        ...

    async def head(self, key: str) -> StoredObject | None:
        """Return what is known of an object, or None when there is none."""
        ...

    async def delete(self, key: str) -> None:
        """Remove an object; harmless when there is none."""
        ...

    async def address(self, key: str, content_type: str) -> str | None:
        """Address from which a user's client can fetch the object itself; None when the suite has to serve it."""
        ...

    async def check(self) -> None:
        """Raise StorageUnavailable when the store cannot be used."""
        ...
