"""The links of environments, switched by rename, each with a note of the generation it is at."""

import asyncio
import json
import os
import uuid
from collections.abc import Callable
from pathlib import Path

import structlog

from conda_store_builder.adapters.directory_lock import LockHeld, locked
from conda_store_shared.errors import Unavailable

log = structlog.get_logger()
_PATIENCE = 10.0


class LinkBusy(Unavailable):
    """Raised when another builder keeps a link's lock for long."""

    code = "link_busy"


class SymbolicLinks:
    """See ``ports.EnvironmentLinks``.  Beside ``name`` lie ``.name.lock`` and ``.name.generation``."""

    async def point(self, link: Path, path: Path, generation: int) -> bool:
        """Let ``link`` point at ``path``; raises LinkBusy when that cannot be done now."""
        return await asyncio.to_thread(_point, link, path, generation)


def _point(link: Path, path: Path, generation: int) -> bool:
    if not path.is_dir():
        log.warning("link_refused", link=str(link), path=str(path), reason="there is no such prefix")
        return False
    link.parent.mkdir(parents=True, exist_ok=True)
    note = link.with_name(f".{link.name}.generation")
    try:
        with locked(link.with_name(f".{link.name}.lock"), _PATIENCE):
            recorded = _recorded(note)
            if generation < recorded:
                log.info("link_is_newer", link=str(link), recorded=recorded, requested=generation)
                return False
            # The note first: when this process dies in between, the repeat of the request finds its own generation.
            _replace(note, lambda draft: draft.write_text(json.dumps({"generation": generation, "path": str(path)})))
            if not link.is_symlink() or os.readlink(link) != str(path):
                _replace(link, lambda draft: draft.symlink_to(path))
    except LockHeld as held:
        raise LinkBusy(str(held)) from held
    return True


def _recorded(note: Path) -> int:
    try:
        generation: int = json.loads(note.read_text())["generation"]
    except (FileNotFoundError, ValueError):
        # A note that a power loss emptied counts as none.
        return -1
    return generation


def _replace(final: Path, write: Callable[[Path], object]) -> None:
    draft = final.with_name(f".{uuid.uuid4().hex}")
    write(draft)
    os.replace(draft, final)
