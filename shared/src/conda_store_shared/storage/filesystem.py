"""The object store on a directory: one file an object, which appears by rename."""

import asyncio
import os
import shutil
import stat
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self
from urllib.parse import quote

from conda_store_shared.errors import NotFound, StorageUnavailable, TooLarge
from conda_store_shared.storage.blocks import batches_of
from conda_store_shared.storage.object_key import checked_key
from conda_store_shared.storage.object_store import StoredObject
from conda_store_shared.storage.threaded_file import ThreadedFile

_INCOMING = ".incoming"
_ABANDONED_AFTER = 24 * 3600.0
_PIECE = 1024 * 1024
_WRITEBACK = 4 * 1024 * 1024
_BLOCK = 1024 * 1024
# A mounted directory whose server is gone blocks for ever; the thread is then lost, the caller is not.
_TIMEOUT = 10.0


class FilesystemStore:
    """ObjectStore on ``root``, which is made when missing; several processes may share it.

    ``url`` is where some other server shows the same directory; empty when there is none.
    """

    def __init__(self, root: Path, url: str = "") -> None:
        self._root = root
        self._url = url.rstrip("/")
        self._incoming = root / _INCOMING

    async def __aenter__(self) -> Self:
        async with _answering(str(self._root)):
            await asyncio.to_thread(self._prepare)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held open."""

    async def put(self, key: str, content: bytes, content_type: str) -> StoredObject:
        """Store a small object; the type follows from the key when it is served."""
        target = self._path(key)
        async with _answering(key):
            return await asyncio.to_thread(self._write, key, target, lambda file: file.write(content))

    async def put_file(self, key: str, path: Path, content_type: str) -> StoredObject:
        """Store a copy of the file at ``path``."""
        target = self._path(key)
        source = await asyncio.to_thread(path.open, "rb")
        with source, _translated(key):
            return await asyncio.to_thread(
                self._write, key, target, lambda file: shutil.copyfileobj(source, file, 1024 * 1024)
            )

    async def put_stream(self, key: str, pieces: AsyncIterator[bytes], content_type: str) -> StoredObject:
        """Store what comes, piece by piece; the file appears once all of it is on the disk."""
        target = self._path(key)
        async with _answering(key):
            temporary = await asyncio.to_thread(self._temporary)
        try:
            async with _open_new(temporary) as (file, writeback):
                async for batch in batches_of(pieces, _BLOCK):
                    async with _answering(key):
                        await file.write(batch)
                        await writeback.begin(sum(map(len, batch)))
                with _translated(key):
                    await file.sync()
            async with _answering(key):
                return await asyncio.to_thread(_appear, key, temporary, target)
        finally:
            await asyncio.to_thread(temporary.unlink, missing_ok=True)

    async def get(self, key: str, limit: int) -> bytes:
        """Return a small object; raises NotFound or TooLarge."""
        async with _answering(key):
            return await asyncio.to_thread(_read, self._path(key), key, limit)

    async def stream(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Yield the bytes ``start`` to ``end`` (exclusive) in pieces; raises NotFound."""
        async with AsyncExitStack() as stack:
            async with _answering(key):
                opening = partial(_open, self._path(key), key, start)
                file = await stack.enter_async_context(ThreadedFile(opening))
            left = None if end is None else max(0, end - start)
            while left is None or left > 0:
                async with _answering(key):
                    piece = await file.read(_PIECE if left is None else min(_PIECE, left))
                if not piece:
                    return
                left = None if left is None else left - len(piece)
                yield piece

    async def head(self, key: str) -> StoredObject | None:
        """Return what is known of an object, or None when there is none."""
        path = self._path(key)
        async with _answering(key):
            return await asyncio.to_thread(_describe, key, path)

    async def delete(self, key: str) -> None:
        """Remove an object; harmless when there is none."""
        path = self._path(key)
        async with _answering(key):
            await asyncio.to_thread(_remove, path)

    async def address(self, key: str, content_type: str) -> str | None:
        """Where another server shows the object; None when there is none, and the suite serves it itself."""
        path = quote(checked_key(key))
        return f"{self._url}/{path}" if self._url else None

    async def check(self) -> None:
        """Raise StorageUnavailable when nothing can be written below the root."""
        async with _answering(str(self._root)):
            await asyncio.to_thread(self._probe)

    def _path(self, key: str) -> Path:
        return self._root.joinpath(*checked_key(key).split("/"))

    def _prepare(self) -> None:
        self._incoming.mkdir(parents=True, exist_ok=True)
        oldest = time.time() - _ABANDONED_AFTER
        for left in self._incoming.iterdir():
            with suppress(FileNotFoundError):
                if left.stat().st_mtime < oldest:
                    left.unlink()

    def _probe(self) -> None:
        probe = self._temporary()
        probe.touch()
        probe.unlink()

    def _temporary(self) -> Path:
        self._incoming.mkdir(parents=True, exist_ok=True)
        return self._incoming / uuid.uuid4().hex

    def _write(self, key: str, target: Path, fill: Callable[[BinaryIO], object]) -> StoredObject:
        temporary = self._temporary()
        try:
            with temporary.open("xb") as file:
                fill(file)
                _sync_file(file)
            return _appear(key, temporary, target)
        finally:
            temporary.unlink(missing_ok=True)


class _Writeback:
    """Lets the kernel write a file to the disk while more of it comes: little is left for the end to wait for."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._begun = self._written = 0
        self._beginning: asyncio.Future[None] | None = None

    async def begin(self, written: int) -> None:
        """So many more bytes are written; returns when the kernel has taken those before."""
        self._written += written
        if self._written - self._begun >= _WRITEBACK:
            await self.settle()
            # To write is the way to what is said here: that nobody reads it soon.
            self._beginning = asyncio.get_running_loop().run_in_executor(
                None, os.posix_fadvise, self._descriptor, self._begun, self._written - self._begun,
                os.POSIX_FADV_DONTNEED,
            )  # fmt: skip
            self._begun = self._written

    async def settle(self) -> None:
        """Wait until nobody uses the descriptor, unless the disk does not answer at all."""
        if self._beginning is not None:
            await asyncio.wait({self._beginning}, timeout=_TIMEOUT)
            with suppress(OSError, asyncio.InvalidStateError):
                # Not every file system takes advice; what goes wrong with the disk is told by the end.
                self._beginning.result()


@asynccontextmanager
async def _open_new(path: Path) -> AsyncIterator[tuple[ThreadedFile, _Writeback]]:
    async with ThreadedFile(partial(FileIO, path, "xb")) as file:
        writeback = _Writeback(file.fileno())
        try:
            yield file, writeback
        finally:
            await writeback.settle()


def _sync_file(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _appear(key: str, temporary: Path, target: Path) -> StoredObject:
    """Move a file that is on the disk to its place."""
    target.parent.mkdir(parents=True, exist_ok=True)
    stored = _describe(key, temporary)
    temporary.replace(target)
    _sync_directory(target.parent)
    if stored is None:
        raise StorageUnavailable(f"object {key!r} vanished while it was written")
    return stored


def _open(path: Path, key: str, start: int) -> BinaryIO:
    try:
        file = path.open("rb")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise NotFound(f"object {key!r} does not exist") from None
    file.seek(start)
    return file


def _read(path: Path, key: str, limit: int) -> bytes:
    with _open(path, key, 0) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise TooLarge(f"object {key!r} has more than {limit} bytes")
    return content


def _remove(path: Path) -> None:
    with suppress(NotADirectoryError, IsADirectoryError):
        path.unlink(missing_ok=True)


def _describe(key: str, path: Path) -> StoredObject | None:
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return StoredObject(
        key=key,
        size=status.st_size,
        etag=f"{status.st_mtime_ns:x}-{status.st_ino:x}-{status.st_size:x}",
        modified=datetime.fromtimestamp(status.st_mtime, UTC),
    )


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StorageUnavailable(f"the object store on disk cannot serve {what!r}: {reason}") from error


@asynccontextmanager
async def _answering(what: str) -> AsyncIterator[None]:
    with _translated(what):
        async with asyncio.timeout(_TIMEOUT):
            yield
