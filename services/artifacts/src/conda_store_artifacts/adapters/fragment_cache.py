"""An object store, with copies of its fragments on local disk."""

import asyncio
import os
import shutil
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from io import FileIO
from pathlib import Path

from conda_store_shared.domain.storage_keys import fragment_digest
from conda_store_shared.errors import StorageUnavailable, TooLarge
from conda_store_shared.storage.object_store import ObjectStore, StoredObject
from conda_store_shared.telemetry import caches

_PIECE = 256 * 1024
# Of the volume: what is left is for those who cannot do without.
_LEAST_FREE = 0.1
# Bytes: the fragments of more than a hundred environments that share nothing.
_MOST = 8 * 1024**3


class FragmentCache:
    """See ``ObjectStore``: ``store``, but a fragment that was stored or read through this is read from ``directory``.

    A fragment is named by its content, so a copy is never old.  Who reads one compares digests and deletes what is
    damaged: the copy goes with the object.  None is made while less than the share ``least_free`` of the volume is
    free, and one that cannot be made or read is done without; ``most`` bytes of them outlast ``remove_unused``.
    """

    def __init__(
        self, store: ObjectStore, directory: Path, *, most: int = _MOST, least_free: float = _LEAST_FREE
    ) -> None:
        self._store = store
        self._directory = directory
        self._most = most
        self._least_free = least_free

    async def put(self, key: str, content: bytes, content_type: str) -> StoredObject:
        """Store a small object."""
        return await self._store.put(key, content, content_type)

    async def put_file(self, key: str, path: Path, content_type: str) -> StoredObject:
        """Store a file of any size; that of a fragment is the copy from now on, so nobody may write to it any more."""
        stored = await self._store.put_file(key, path, content_type)
        if copy := self._copy_of(key):
            await asyncio.to_thread(self._link, path, copy)
        return stored

    async def put_stream(self, key: str, pieces: AsyncIterator[bytes], content_type: str) -> StoredObject:
        """Store what ``pieces`` yields."""
        return await self._store.put_stream(key, pieces, content_type)

    async def get(self, key: str, limit: int) -> bytes:
        """Return a small object; raises NotFound or TooLarge."""
        copy = self._copy_of(key)
        if copy and (file := await _opened(copy)):
            with file, _reading(copy):
                if os.fstat(file.fileno()).st_size > limit:
                    raise TooLarge(f"object {key!r} has more than {limit} bytes")
                return await asyncio.to_thread(file.readall)
        content = await self._store.get(key, limit)
        if copy:
            await asyncio.to_thread(self._keep, copy, content)
        return content

    async def stream(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Yield the bytes ``start`` to ``end`` (exclusive) in pieces; raises NotFound."""
        copy = self._copy_of(key) if start == 0 and end is None else None
        if copy and (file := await _opened(copy)):
            with file, _reading(copy):
                while piece := await asyncio.to_thread(file.read, _PIECE):
                    yield piece
            return
        async with self._keeping(copy) as keep:
            async for piece in self._store.stream(key, start, end):
                await keep(piece)
                yield piece

    async def head(self, key: str) -> StoredObject | None:
        """Return what is known of an object, or None when there is none."""
        return await self._store.head(key)

    async def delete(self, key: str) -> None:
        """Remove an object; harmless when there is none."""
        if copy := self._copy_of(key):
            await asyncio.to_thread(copy.unlink, missing_ok=True)
        await self._store.delete(key)

    async def address(self, key: str, content_type: str) -> str | None:
        """Address from which a user's client can fetch the object itself."""
        return await self._store.address(key, content_type)

    async def check(self) -> None:
        """Raise StorageUnavailable when the store cannot be used."""
        await self._store.check()

    def remove_unused(self, age: float) -> None:
        """Remove copies that were used last ``age`` seconds ago or more, then the oldest until they fit.

        Drafts of dead processes go in the same way.
        """
        kept = 0
        for used, size, copy in sorted(_listed(self._directory), reverse=True):
            kept += size
            if used < time.time() - age or kept > self._most:
                copy.unlink(missing_ok=True)

    def _copy_of(self, key: str) -> Path | None:
        digest = fragment_digest(key)
        return self._directory / digest if digest else None

    def _has_room(self) -> bool:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        usage = shutil.disk_usage(self._directory)
        return usage.free > self._least_free * usage.total

    def _link(self, path: Path, copy: Path) -> None:
        with suppress(OSError):
            if self._has_room():
                os.link(path, copy)

    def _begin(self, copy: Path) -> "_Draft":
        draft = _Draft(copy)
        with suppress(OSError):
            if self._has_room():
                draft.begin()
        return draft

    def _keep(self, copy: Path, content: bytes) -> None:
        draft = self._begin(copy)
        draft.write(content)
        draft.end(True)

    @asynccontextmanager
    async def _keeping(self, copy: Path | None) -> AsyncIterator[Callable[[bytes], Awaitable[None]]]:
        """Write a copy beside what else is done with its pieces; it is whole when this is left without an error."""
        if copy is None:
            yield _pass_by
            return
        draft, is_whole = await asyncio.to_thread(self._begin, copy), False
        loop = asyncio.get_running_loop()
        writing: asyncio.Future[None] | None = None

        async def keep(piece: bytes) -> None:
            nonlocal writing
            if writing is not None:
                await writing
            writing = loop.run_in_executor(None, draft.write, piece)

        try:
            yield keep
            is_whole = True
        finally:
            if writing is not None:
                await writing
            await asyncio.to_thread(draft.end, is_whole)


class _Draft:
    """A copy that is being written; it appears whole or not at all, and one that cannot be written is given up."""

    def __init__(self, copy: Path) -> None:
        self._copy = copy
        self._path = copy.with_name(f".{uuid.uuid4().hex}")
        self._file: FileIO | None = None

    def begin(self) -> None:
        """Open it; raises OSError.  What is not open is not written."""
        self._file = self._path.open("xb", buffering=0)

    def write(self, piece: bytes) -> None:
        """Add what comes next."""
        if self._file is None:
            return
        try:
            is_written = self._file.write(piece) == len(piece)
        except OSError:
            is_written = False
        if not is_written:
            self.end(False)

    def end(self, is_whole: bool) -> None:
        """Let it appear, or remove it."""
        if self._file is None:
            return
        file, self._file = self._file, None
        with suppress(OSError):
            file.close()
            if is_whole:
                os.replace(self._path, self._copy)
                return
        self._path.unlink(missing_ok=True)


async def _pass_by(_piece: bytes) -> None:
    """Of what has no copy."""


def _listed(directory: Path) -> Iterator[tuple[float, int, Path]]:
    for copy in directory.glob("*"):
        with suppress(FileNotFoundError):
            status = copy.stat()
            yield status.st_mtime, status.st_size, copy


async def _opened(copy: Path) -> FileIO | None:
    """The copy, if there is one; that it was used is noted."""
    file = await asyncio.to_thread(_open, copy)
    caches.looked_up(caches.COPIES, int(file is not None), int(file is None))
    return file


def _open(copy: Path) -> FileIO | None:
    with suppress(OSError):
        file = copy.open("rb", buffering=0)
        with suppress(OSError):
            os.utime(copy)
        return file
    return None


@contextmanager
def _reading(copy: Path) -> Iterator[None]:
    """A copy that the disk does not give back goes, so that the next attempt reads the object."""
    try:
        yield
    except OSError as error:
        copy.unlink(missing_ok=True)
        raise StorageUnavailable(f"the copy of fragment {copy.name} cannot be read: {error.strerror}") from error
