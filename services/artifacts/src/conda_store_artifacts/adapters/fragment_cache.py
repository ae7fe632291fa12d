"""An object store, with copies of its fragments on local disk."""

import asyncio
import errno
import os
import shutil
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from functools import partial
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Self

from conda_store_shared.domain.storage_keys import fragment_digest
from conda_store_shared.errors import TooLarge
from conda_store_shared.storage.object_store import ObjectStore, StoredObject
from conda_store_shared.storage.threaded_file import ThreadedFile
from conda_store_shared.telemetry import caches

_PIECE = 256 * 1024
# Bytes of copies: of a hundred and fifty environments like that of the demo, which share nothing.
_MOST = 8 * 1024**3
# Of the volume: copies take no more of it, and none is made while less than that is free.
_SHARE = 0.1


class FragmentCache:
    """See ``ObjectStore``: ``store``, but a fragment that was stored or read through this is read from ``directory``.

    A fragment is named by its content, so a copy is never old.  Who reads one compares digests; ``drop`` removes a copy
    that is damaged.  A copy that cannot be made or read is done without.  They take ``most`` bytes, or a tenth of
    the volume if that is less; none is made while less than the share ``least_free`` of it is free.
    """

    def __init__(
        self, store: ObjectStore, directory: Path, *, most: int = _MOST, least_free: float = _SHARE
    ) -> None:
        self._store = store
        self._directory = directory
        self._most = most
        self._least_free = least_free
        self._bytes: int | None = None

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
        if copy is None:
            return await self._store.get(key, limit)
        content = await asyncio.to_thread(_read, copy, limit)
        _count(content is not None)
        if content is None:
            content = await self._store.get(key, limit)
            await asyncio.to_thread(self._keep, copy, content)
        if len(content) > limit:
            raise TooLarge(f"object {key!r} has more than {limit} bytes")
        return content

    async def stream(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Yield the bytes ``start`` to ``end`` (exclusive) in pieces; raises NotFound."""
        copy = self._copy_of(key) if start == 0 and end is None else None
        if copy:
            is_whole = False
            # What the disk does not give back comes from the store.
            with suppress(OSError):
                async with ThreadedFile(partial(_open, copy)) as file:
                    while piece := await file.read(_PIECE):
                        start += len(piece)
                        yield piece
                # No fragment is empty, but what a machine wrote before it lost its power may be.
                is_whole = start > 0
            _count(is_whole)
            if is_whole:
                return
            await self.drop(key)
        async with self._keeping(None if start else copy) as draft:
            async for piece in self._store.stream(key, start, end):
                if draft is not None:
                    await draft.write(piece)
                yield piece

    async def head(self, key: str) -> StoredObject | None:
        """Return what is known of an object, or None when there is none."""
        return await self._store.head(key)

    async def delete(self, key: str) -> None:
        """Remove an object; harmless when there is none."""
        await self.drop(key)
        await self._store.delete(key)

    async def address(self, key: str, content_type: str) -> str | None:
        """Address from which a user's client can fetch the object itself."""
        return await self._store.address(key, content_type)

    async def check(self) -> None:
        """Raise StorageUnavailable when the store cannot be used."""
        await self._store.check()

    async def drop(self, key: str) -> bool:
        """Remove the copy of an object; returns whether there was one."""
        copy = self._copy_of(key)
        return copy is not None and await asyncio.to_thread(_remove, copy)

    def remove_unused(self, age: float) -> None:
        """Remove copies that were used last ``age`` seconds ago or more, then the oldest until they fit.

        Drafts of dead processes go in the same way.
        """
        kept, most = 0, self._room()
        for used, size, copy in sorted(_listed(self._directory), reverse=True):
            if used < time.time() - age or kept + size > most:
                _remove(copy)
            else:
                kept += size
        self._bytes = kept

    def _copy_of(self, key: str) -> Path | None:
        digest = fragment_digest(key)
        return self._directory / digest if digest else None

    def _room(self) -> float:
        """Bytes that copies may take; none when too little is free, or nobody can tell."""
        with suppress(OSError):
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            usage = shutil.disk_usage(self._directory)
            if usage.free > self._least_free * usage.total:
                return min(self._most, _SHARE * usage.total)
        return 0.0

    def _take(self, size: int) -> bool:
        """Whether another copy of ``size`` bytes may be made; those of other processes are counted now and then."""
        if self._bytes is None:
            self._bytes = sum(size for _, size, _ in _listed(self._directory))
        if self._bytes + size > self._room():
            return False
        self._bytes += size
        return True

    def _link(self, path: Path, copy: Path) -> None:
        with suppress(OSError):
            if self._take(path.stat().st_size):
                os.link(path, copy)

    def _keep(self, copy: Path, content: bytes) -> None:
        draft = copy.with_name(f".{uuid.uuid4().hex}")
        with suppress(OSError):
            if self._take(len(content)):
                try:
                    draft.write_bytes(content)
                    os.link(draft, copy)
                finally:
                    _remove(draft)

    def _create(self, draft: Path) -> FileIO:
        if self._room() <= (self._bytes or 0):
            raise OSError(errno.ENOSPC, "too little is free")
        return draft.open("xb", buffering=0)

    @asynccontextmanager
    async def _keeping(self, copy: Path | None) -> AsyncIterator["_Draft | None"]:
        """Write a copy beside what else is done with its pieces; it appears when this is left without an error."""
        if copy is None:
            yield None
            return
        path = copy.with_name(f".{uuid.uuid4().hex}")
        try:
            async with _Draft(partial(self._create, path)) as draft:
                yield draft
            if draft.is_good and await asyncio.to_thread(self._take, draft.size):
                with suppress(OSError):
                    await asyncio.to_thread(os.link, path, copy)
        finally:
            await asyncio.to_thread(_remove, path)


class _Draft:
    """A copy that is being written: the last piece, while the next one comes.  ``is_good`` until the disk objects."""

    def __init__(self, create: Callable[[], FileIO]) -> None:
        self.size = 0
        self.is_good = True
        self._file = ThreadedFile(create)
        self._stack = AsyncExitStack()
        self._writing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Whether it could be opened is seen later."""
        with self._noting():
            await self._stack.enter_async_context(self._file)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._noting():
            try:
                await self._settle()
            finally:
                await self._stack.aclose()

    async def write(self, piece: bytes) -> None:
        """Take the next piece; returns when the one before is written."""
        with self._noting():
            await self._settle()
        if self.is_good:
            self.size += len(piece)
            self._writing = asyncio.create_task(self._file.write([piece]), name="write copy")

    async def _settle(self) -> None:
        writing, self._writing = self._writing, None
        if writing is not None:
            await asyncio.wait({writing})
            await writing

    @contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            self.is_good = False


def _remove(path: Path) -> bool:
    with suppress(OSError):
        path.unlink()
        return True
    return False


def _listed(directory: Path) -> Iterator[tuple[float, int, Path]]:
    for copy in directory.glob("*"):
        with suppress(FileNotFoundError):
            status = copy.stat()
            yield status.st_mtime, status.st_size, copy


def _count(is_hit: bool) -> None:
    caches.looked_up(caches.COPIES, int(is_hit), int(not is_hit))


def _open(copy: Path) -> FileIO:
    file = copy.open("rb", buffering=0)
    _touch(copy)
    return file


def _read(copy: Path, limit: int) -> bytes | None:
    try:
        with copy.open("rb") as file:
            content = file.read(limit + 1)
    except FileNotFoundError:
        return None
    except OSError:
        content = b""
    if not content:
        _remove(copy)
        return None
    _touch(copy)
    return content


def _touch(copy: Path) -> None:
    """Note that it was used."""
    with suppress(OSError):
        os.utime(copy)
