"""Word from the system that something in a directory changed."""

import asyncio
import os
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import structlog
from watchfiles import Change, awatch

from conda_store_builder.adapters.watched_files import SUFFIXES

log = structlog.get_logger()
# How often the library looks whether the system said something.
_STEP_MILLISECONDS = 200
# How long after it began to listen it says so: what changed before that is looked for.
_SILENCE_MILLISECONDS = 1_000
_RETRY_SECONDS = 60.0


class ChangeNotices:
    """Calls ``changed`` when something may have changed at one of ``paths``.

    It is a convenience: the volumes of other machines say nothing, and a system has only so many watches.
    """

    def __init__(self, paths: Sequence[Path], changed: Callable[[], None]) -> None:
        self._paths = paths
        # Beside a file stand others that it may be replaced by, or be a link into.
        self._shown = {
            str(place) for path in paths for place in ((path, path.parent) if path.name.endswith(SUFFIXES) else (path,))
        }
        self._changed = changed
        self._directories: frozenset[tuple[Path, int, int]] = frozenset()
        self._moved = asyncio.Event()

    def listen(self, directories: Collection[tuple[Path, int, int]]) -> None:
        """Listen in these directories, each given with its device and inode, instead of the earlier ones."""
        wanted = frozenset(directories)
        if wanted != self._directories:
            self._directories = wanted
            self._moved.set()

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            self._moved = asyncio.Event()
            try:
                await self._listen(self._moved)
            except (OSError, RuntimeError) as error:
                log.warning("changes_not_noticed", reason=str(error), retry_seconds=_RETRY_SECONDS)
            await self._pause()

    async def _listen(self, moved: asyncio.Event) -> None:
        directories = sorted({path for path, _, _ in self._directories})
        if not directories:
            return
        heard = awatch(
            *directories,
            watch_filter=self._concerns,
            step=_STEP_MILLISECONDS,
            stop_event=moved,
            rust_timeout=_SILENCE_MILLISECONDS,
            yield_on_timeout=True,
            recursive=False,
            ignore_permission_denied=True,
        )
        listening = False
        async for changes in heard:
            if changes or not listening:
                # The first word without changes says that from now on none is missed.
                listening = True
                self._changed()

    async def _pause(self) -> None:
        """Wait for other directories; after a failure not for ever."""
        try:
            async with asyncio.timeout(_RETRY_SECONDS):
                await self._moved.wait()
        except TimeoutError:
            pass

    def _concerns(self, _change: Change, path: str) -> bool:
        """Whether a path is shown by a watched one, or leads to one."""
        return os.path.dirname(path) in self._shown or any(
            str(watched) == path or str(watched).startswith(f"{path}{os.sep}") for watched in self._paths
        )
