"""The directory on local disk where archives are written before they are stored."""

import asyncio
import os
import shutil
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from conda_store_shared.errors import ConfigurationError

# Far beyond the deadline of any archive: whoever made it is gone.
_ABANDONED_AFTER = 24 * 3600.0


class WorkDirectory:
    """Makes ``path`` when missing; removes what dead processes left in it under names beginning with ``prefix``."""

    def __init__(self, path: Path, prefix: str) -> None:
        self._path = path
        self._prefix = prefix

    async def __aenter__(self) -> Self:
        """Raises ConfigurationError when the directory is somebody else's."""
        await asyncio.to_thread(self._prepare)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Each archive is removed by the attempt that wrote it."""

    def _prepare(self) -> None:
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = self._path.stat().st_uid
        if owner != os.geteuid():
            # Whoever owns it could put another archive in the place of ours.
            raise ConfigurationError(f"work directory {self._path} belongs to user id {owner}, not to us; remove it")
        oldest = time.time() - _ABANDONED_AFTER
        for left in self._path.glob(f"{self._prefix}*"):
            if left.stat().st_mtime < oldest:
                shutil.rmtree(left, ignore_errors=True)
