"""Takes away what dead or killed builders left beside the prefixes: attempts, trash, prefixes nobody finished."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path

import structlog

from conda_store_builder.adapters.builder_files import BuilderFiles
from conda_store_builder.adapters.directory_lock import LockHeld, locked
from conda_store_builder.adapters.prefix_removal import is_directory, remove_attempt, remove_broken, remove_prefix
from conda_store_builder.domain.prefix_path import ATTEMPT, LOCK, TRASH, lock_of
from conda_store_shared.conda.ownership import remove_tree
from conda_store_shared.conda.package_cache import remove_remains

log = structlog.get_logger()
# No package takes longer to be fetched and extracted.
_EXTRACTED_WITHIN = 6 * 3600.0


class DirectoryJanitor:
    """Sweeps at the start and every ``interval`` seconds; what somebody holds the lock of is left alone."""

    def __init__(self, store_directory: Path, cache: Path, interval: float) -> None:
        self._files = BuilderFiles(store_directory)
        self._cache = cache
        self._interval = interval

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            try:
                await asyncio.to_thread(self.sweep)
            except OSError as error:
                # A volume that is away now is swept next time.
                log.warning("sweep_failed", reason=str(error))
            await asyncio.sleep(self._interval)

    def sweep(self) -> None:
        """Sweep once."""
        for note, prefix in self._files.discards():
            with suppress(LockHeld):
                if prefix.parent.is_dir():
                    remove_prefix(prefix, 0.0)
                note.unlink(missing_ok=True)
        for directory in self._files.directories():
            _sweep_directory(directory)
        self._files.forget_old_notes()
        remove_remains(self._cache, _EXTRACTED_WITHIN)


def _sweep_directory(directory: Path) -> None:
    names = sorted(os.listdir(directory))
    for name in names:
        path = directory / name
        with suppress(LockHeld):
            if name.startswith(ATTEMPT):
                remove_attempt(path.with_name(name.removesuffix(LOCK)), 0.0)
            elif name.startswith(TRASH):
                remove_tree(path)
            elif name.startswith(".") and name.endswith(LOCK):
                _sweep_prefix(path.with_name(name[1:].removesuffix(LOCK)))


def _sweep_prefix(prefix: Path) -> None:
    remove_broken(prefix)
    lock = lock_of(prefix)
    with locked(lock, 0.0):
        if not is_directory(prefix):
            lock.unlink(missing_ok=True)
