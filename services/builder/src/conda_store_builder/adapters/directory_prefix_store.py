"""Prefixes as directories on a volume that several builders may share."""

import asyncio
import errno
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path

import structlog

from conda_store_builder.adapters.builder_files import BuilderFiles
from conda_store_builder.adapters.directory_lock import LockHeld, take_lock
from conda_store_builder.adapters.prefix_removal import is_directory, remove_broken, remove_prefix
from conda_store_builder.adapters.whole_prefix import read_marker, read_whole
from conda_store_builder.domain.prefix_path import attempt_lock_of, attempt_of
from conda_store_builder.ports import Target
from conda_store_shared.child.uninterrupted import uninterrupted
from conda_store_shared.conda.ownership import remove_tree
from conda_store_shared.domain.prefix_record import PrefixRecord
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import InvalidInput, StageFailure, StorageUnavailable

log = structlog.get_logger()
_DISCARD_PATIENCE = 5.0


class DirectoryPrefixStore:
    """See ``ports.PrefixStore``; ``store_directory`` bounds what is ever removed on request."""

    def __init__(self, store_directory: Path) -> None:
        self._root = store_directory
        self._files = BuilderFiles(store_directory)

    def canceled(self, build_key: str) -> Path:
        """Where the marker of a canceled build lies."""
        return self._files.canceled(build_key)

    async def find_whole(self, target: Target) -> PrefixRecord | None:
        """What is installed at the target's path, when that is whole and of the same build and lockfile."""
        with _volume_at(target.path):
            return await asyncio.to_thread(read_whole, target)

    def attempt(self, target: Target) -> AbstractAsyncContextManager[Path]:
        """A directory for one attempt, locked as long as it is used."""
        return self._attempt(target.path)

    async def mark_canceled(self, build_key: str) -> None:
        """Leave the marker."""
        await asyncio.to_thread(self._files.mark_canceled, build_key)

    async def discard(self, path: Path, build_key: str) -> bool:
        """Remove a prefix, or leave word for the janitor; returns whether it is gone.  Raises InvalidInput."""
        return await asyncio.to_thread(self._discard, path, build_key)

    @asynccontextmanager
    async def _attempt(self, final: Path) -> AsyncIterator[Path]:
        attempt = attempt_of(final, uuid.uuid4().hex)
        with _volume_at(attempt):
            lock = await uninterrupted(asyncio.to_thread(self._prepare, attempt))
        try:
            yield attempt
        finally:
            # Not given up half-way when the task is canceled once more: the disk is to be free again.
            await uninterrupted(asyncio.to_thread(_leave, attempt, final, lock))

    def _prepare(self, attempt: Path) -> int:
        attempt.parent.mkdir(parents=True, exist_ok=True)
        self._files.remember_directory(attempt.parent)
        lock = take_lock(attempt_lock_of(attempt), 0.0)
        attempt.mkdir(mode=0o755)
        return lock

    def _discard(self, path: Path, build_key: str) -> bool:
        self._check(path, build_key)
        self._files.mark_canceled(build_key)
        if not path.parent.is_dir():
            return True
        self._files.remember_directory(path.parent)
        note = self._files.request_discard(path)
        try:
            remove_prefix(path, _DISCARD_PATIENCE)
        except LockHeld:
            log.info("prefix_discard_postponed", path=str(path))
            return False
        note.unlink(missing_ok=True)
        log.info("prefix_discarded", path=str(path))
        return True

    def _check(self, path: Path, build_key: str) -> None:
        if path.name != build_key:
            raise InvalidInput(f"{path} is not the prefix of build {build_key}")
        root, parent = self._root.resolve(), path.parent.resolve()
        if not path.is_absolute() or not (parent / path.name).is_relative_to(root) or path.is_symlink():
            raise InvalidInput(f"{path} is not a prefix inside {root}")


@contextmanager
def _volume_at(path: Path) -> Iterator[None]:
    """Raises StageFailure("disk_full"), or StorageUnavailable for any other trouble with the volume."""
    try:
        yield
    except OSError as error:
        reason = f"{path}: {error.strerror or error}"
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StageFailure(FailureCode.DISK_FULL, f"no space left for {reason}", transient=True) from error
        raise StorageUnavailable(f"the volume of the prefixes cannot be used: {reason}") from error


def _leave(attempt: Path, final: Path, lock: int) -> None:
    """End an attempt: what it left goes, and so does a final prefix that nobody finished."""
    remove_tree(attempt)
    attempt_lock_of(attempt).unlink(missing_ok=True)
    os.close(lock)
    if is_directory(final) and read_marker(final) is None:
        try:
            remove_broken(final)
        except LockHeld:
            # Somebody is finishing it.
            return
