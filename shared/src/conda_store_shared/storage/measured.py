"""Any object store, with its requests counted."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from conda_store_shared.storage.object_store import ObjectStore, StoredObject
from conda_store_shared.telemetry.objects import READ, STORED, requesting


class OpenedStore(ObjectStore, Protocol):
    """An object store that is to be entered."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class MeasuredStore:
    """See ``ObjectStore``; whatever ``store`` does is counted."""

    def __init__(self, store: OpenedStore) -> None:
        self.store = store
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.store)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def put(self, key: str, content: bytes, content_type: str) -> StoredObject:
        """Store a small object."""
        with requesting("put"):
            return _stored(await self.store.put(key, content, content_type))

    async def put_file(self, key: str, path: Path, content_type: str) -> StoredObject:
        """Store a file of any size."""
        with requesting("put"):
            return _stored(await self.store.put_file(key, path, content_type))

    async def put_stream(self, key: str, pieces: AsyncIterator[bytes], content_type: str) -> StoredObject:
        """Store what ``pieces`` yields."""
        with requesting("put"):
            return _stored(await self.store.put_stream(key, pieces, content_type))

    async def get(self, key: str, limit: int) -> bytes:
        """Return a small object."""
        with requesting("get"):
            content = await self.store.get(key, limit)
        READ.inc(len(content))
        return content

    async def stream(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Yield the bytes ``start`` to ``end`` (exclusive) in pieces."""
        pieces = self.store.stream(key, start, end)
        try:
            with requesting("get"):
                async for piece in pieces:
                    READ.inc(len(piece))
                    yield piece
        finally:
            if isinstance(pieces, AsyncGenerator):
                await pieces.aclose()

    async def head(self, key: str) -> StoredObject | None:
        """Return what is known of an object, or None when there is none."""
        with requesting("head"):
            return await self.store.head(key)

    async def delete(self, key: str) -> None:
        """Remove an object."""
        with requesting("delete"):
            await self.store.delete(key)

    async def address(self, key: str, content_type: str) -> str | None:
        """Address from which a user's client can fetch the object itself."""
        return await self.store.address(key, content_type)

    async def check(self) -> None:
        """Raise StorageUnavailable when the store cannot be used."""
        with requesting("check"):
            await self.store.check()


def _stored(known: StoredObject) -> StoredObject:
    STORED.inc(known.size)
    return known
