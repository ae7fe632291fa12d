"""The links of environments, switched by rename, each with a note of what was last asked of it."""

import asyncio
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from conda_store_builder.adapters.builder_files import BuilderFiles, write_file
from conda_store_builder.adapters.directory_lock import LockHeld, locked
from conda_store_builder.ports import Generation
from conda_store_shared.errors import Unavailable

log = structlog.get_logger()
_PATIENCE = 10.0
_NEVER = Generation(-1, -1)


class LinkBusy(Unavailable):
    """Raised when another builder keeps a link's lock for long."""

    code = "link_busy"


class SymbolicLinks:
    """See ``ports.EnvironmentLinks``.  Both methods raise LinkBusy when it cannot be done now."""

    def __init__(self, store_directory: Path) -> None:
        self._files = BuilderFiles(store_directory)

    async def point(self, link: Path, path: Path, generation: Generation) -> bool:
        """Let ``link`` point at ``path``."""
        return await asyncio.to_thread(self._point, link, path, generation)

    async def discard(self, link: Path, generation: Generation) -> None:
        """Remove ``link``; the note stays, so that no request that comes late brings the link back."""
        await asyncio.to_thread(self._discard, link, generation)

    def _point(self, link: Path, path: Path, generation: Generation) -> bool:
        if not path.is_dir():
            log.warning("link_refused", link=str(link), path=str(path), reason="there is no such prefix")
            return False
        link.parent.mkdir(parents=True, exist_ok=True)
        with self._turn(link, generation) as is_newest:
            if is_newest and (not link.is_symlink() or os.readlink(link) != str(path)):
                draft = link.with_name(f".{uuid.uuid4().hex}")
                draft.symlink_to(path)
                os.replace(draft, link)
        return is_newest

    def _discard(self, link: Path, generation: Generation) -> None:
        with self._turn(link, generation) as is_newest:
            if is_newest and link.is_symlink():
                link.unlink()
                log.info("link_discarded", link=str(link))

    @contextmanager
    def _turn(self, link: Path, generation: Generation) -> Iterator[bool]:
        """Hold the link's lock; tells whether ``generation`` is at least the newest one, which is noted then."""
        note = self._files.link(link)
        try:
            with locked(self._files.link_lock(link), _PATIENCE):
                recorded = _recorded(note)
                if generation < recorded:
                    log.info("link_is_newer", link=str(link), recorded=str(recorded), requested=str(generation))
                else:
                    # First: when this process dies after it, the repeat of the request finds its own generation.
                    value = {"environment_id": generation.environment_id, "generation": generation.number}
                    write_file(note, json.dumps({**value, "link": str(link)}))
                yield generation >= recorded
        except LockHeld as held:
            raise LinkBusy(str(held)) from held


def _recorded(note: Path) -> Generation:
    try:
        value = json.loads(note.read_text())
        return Generation(value["environment_id"], value["generation"])
    except (FileNotFoundError, ValueError):
        # A note that a power loss emptied counts as none.
        return _NEVER
