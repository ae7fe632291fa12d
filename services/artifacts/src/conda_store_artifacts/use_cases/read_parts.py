"""Parts of an artifact as one stream, fetched ahead of whoever reads it, and checked."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from conda_store_artifacts.domain.fragment import Blob
from conda_store_artifacts.use_cases.side_digest import SideDigest
from conda_store_shared.errors import NotFound
from conda_store_shared.storage.object_store import ObjectStore

# A task is one that is being made.
Part = Blob | bytes | Path | asyncio.Task[bytes]

# Blobs that are fetched at once, and pieces kept of each: no more than 16 MiB in all.
_AHEAD = 4
_PIECES = 4
_SMALL = 1024 * 1024
_PIECE = 1024 * 1024
_Queue = asyncio.Queue[bytes | None]


class BlobDamaged(Exception):
    """The object of a blob is gone, or is not what it was."""

    def __init__(self, blob: Blob) -> None:
        super().__init__(blob.digest)
        self.blob = blob


@asynccontextmanager
async def read_parts(parts: Sequence[Part], store: ObjectStore) -> AsyncIterator[AsyncIterator[bytes]]:
    """Open ``parts`` as one stream, in their order; reading it raises BlobDamaged."""
    reader = _Reader(parts, store)
    fetching = asyncio.create_task(reader.fetch_all(), name="fetch parts")
    try:
        yield reader.pieces(fetching)
    finally:
        fetching.cancel()
        await asyncio.gather(fetching, return_exceptions=True)


class _Reader:
    """A queue of pieces for each part, ended by None; the fetchers run ahead as far as there is room."""

    def __init__(self, parts: Sequence[Part], store: ObjectStore) -> None:
        self._parts = parts
        self._store = store
        self._queues = [_Queue(_PIECES) for _ in parts]
        self._room = asyncio.Semaphore(_AHEAD)

    async def fetch_all(self) -> None:
        async with asyncio.TaskGroup() as group:
            for part, queue in zip(self._parts, self._queues, strict=True):
                # Given back once the part was read to its end, so that the first parts are never waited for.
                await self._room.acquire()
                group.create_task(self._fetch(part, queue))

    async def pieces(self, fetching: "asyncio.Task[None]") -> AsyncIterator[bytes]:
        for queue in self._queues:
            while (piece := await _next(queue, fetching)) is not None:
                yield piece
            self._room.release()

    async def _fetch(self, part: Part, queue: _Queue) -> None:
        if isinstance(part, bytes):
            await queue.put(part)
        elif isinstance(part, asyncio.Task):
            await queue.put(await part)
        elif isinstance(part, Path):
            with await asyncio.to_thread(part.open, "rb") as file:
                while piece := await asyncio.to_thread(file.read, _PIECE):
                    await queue.put(piece)
        else:
            await self._fetch_blob(part, queue)
        await queue.put(None)

    async def _fetch_blob(self, blob: Blob, queue: _Queue) -> None:
        digest = SideDigest()
        try:
            async for piece in self._pieces_of(blob):
                await digest.update(piece)
                await queue.put(piece)
        except NotFound as error:
            raise BlobDamaged(blob) from error
        if await digest.hexdigest() != blob.digest:
            raise BlobDamaged(blob)

    async def _pieces_of(self, blob: Blob) -> AsyncIterator[bytes]:
        if blob.size <= _SMALL:
            # One way to the store, and one to a thread.
            yield await self._store.get(blob.key, 2 * _SMALL)
            return
        async for piece in self._store.stream(blob.key):
            yield piece


async def _next(queue: _Queue, fetching: "asyncio.Task[None]") -> bytes | None:
    """The next piece; raises what ended the fetching before there was one."""
    if not queue.empty():
        return queue.get_nowait()
    getting = asyncio.ensure_future(queue.get())
    await asyncio.wait({getting, fetching}, return_when=asyncio.FIRST_COMPLETED)
    if getting.done():
        return getting.result()
    getting.cancel()
    if fetching.cancelled() or (error := fetching.exception()) is None:
        raise asyncio.CancelledError
    raise error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error
