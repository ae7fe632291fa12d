"""What builders that share a store directory leave there for each other.

<store_directory>/.builder/directories/<digest>    a directory that holds prefixes, for the janitor
<store_directory>/.builder/canceled/<build_key>    the build is over: no attempt is to come into place
<store_directory>/.builder/discard/<build_key>     this prefix is to go as soon as nobody works on it
<store_directory>/.builder/links/<digest>          what was last asked of an environment's link, beside its lock
"""

import json
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from conda_store_builder.adapters.directory_lock import LockHeld, locked
from conda_store_builder.domain.prefix_path import LOCK, file_name
from conda_store_shared.domain.canonical import sha256_hex

# No attempt lives as long as this, however long its process was stopped, and no message is as late.
_REMEMBERED_FOR = 7 * 24 * 3600.0


class BuilderFiles:
    """Small files below ``store_directory``, each written at once."""

    def __init__(self, store_directory: Path) -> None:
        self._root = store_directory / ".builder"

    def canceled(self, build_key: str) -> Path:
        """Where the marker of a canceled build lies."""
        return self._root / "canceled" / file_name(build_key)

    def mark_canceled(self, build_key: str) -> None:
        """Leave the marker."""
        write_file(self.canceled(build_key), "")

    def remember_directory(self, directory: Path) -> None:
        """Let the janitor know of a directory of prefixes."""
        note = self._root / "directories" / sha256_hex(str(directory).encode())[:32]
        if not note.exists():
            write_file(note, str(directory))

    def directories(self) -> list[Path]:
        """Every directory that has been remembered and is still there."""
        return [path for _, path in _read_paths(self._root / "directories") if path.is_dir()]

    def request_discard(self, prefix: Path) -> Path:
        """Leave word that ``prefix`` is to go; returns the note, to be removed when it is gone."""
        note = self._root / "discard" / file_name(prefix.name)
        write_file(note, str(prefix))
        return note

    def discards(self) -> list[tuple[Path, Path]]:
        """Every note and the prefix it names."""
        return list(_read_paths(self._root / "discard"))

    def link(self, link: Path) -> Path:
        """Where the note on an environment's link lies."""
        return self._root / "links" / sha256_hex(str(link).encode())[:32]

    def link_lock(self, link: Path) -> Path:
        """The lock under which a link is switched or removed."""
        note = self.link(link)
        note.parent.mkdir(parents=True, exist_ok=True)
        return note.with_name(f"{note.name}{LOCK}")

    def forget_old_notes(self) -> None:
        """Remove markers of builds canceled so long ago that nobody can still work on them, and notes on gone links."""
        for note, _ in _read_all(self._root / "canceled"):
            with suppress(FileNotFoundError):
                if _is_old(note):
                    note.unlink()
        for note, text in _read_all(self._root / "links"):
            with suppress(FileNotFoundError, LockHeld, ValueError, KeyError):
                if not note.name.endswith(LOCK) and _is_old(note):
                    self._forget_link(note, Path(json.loads(text)["link"]))

    def _forget_link(self, note: Path, link: Path) -> None:
        lock = self.link_lock(link)
        with locked(lock, 0.0):
            if not link.is_symlink() and _is_old(note):
                note.unlink()
                lock.unlink()


def _is_old(note: Path) -> bool:
    return note.stat().st_mtime < time.time() - _REMEMBERED_FOR


def write_file(path: Path, text: str) -> None:
    """Write a file that others see whole or not at all; its directory is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{uuid.uuid4().hex}")
    draft.write_text(text)
    os.replace(draft, path)


def _read_paths(directory: Path) -> Iterator[tuple[Path, Path]]:
    # A power loss may leave a note empty, which would name the working directory.
    for note, text in _read_all(directory):
        if (path := Path(text)).is_absolute():
            yield note, path


def _read_all(directory: Path) -> Iterator[tuple[Path, str]]:
    with suppress(FileNotFoundError):
        for path in sorted(directory.iterdir()):
            if not path.name.startswith("."):
                with suppress(FileNotFoundError):
                    yield path, path.read_text()
