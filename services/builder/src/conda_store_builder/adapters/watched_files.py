"""Files and directories of specifications: which files there are, and what is in them."""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from conda_store_shared.domain.address_credentials import REMEDY, text_has_credentials

SUFFIXES = (".yaml", ".yml")
# A specification has at most 200,000 characters, each of up to four bytes.
MAXIMUM_BYTES = 800_000


@dataclass(frozen=True, slots=True)
class Version:
    """Tells one content of a file from another without reading it.

    Not by its inode: not every mounted volume gives a file the same one twice.
    """

    size: int
    modified: int
    changed: int

    @classmethod
    def of(cls, status: os.stat_result) -> "Version":
        """The version that a file's status tells of."""
        return cls(status.st_size, status.st_mtime_ns, status.st_ctime_ns)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why there is no content: ``code`` is ``unreadable``, ``too_large`` or ``invalid_specification``."""

    code: str
    detail: str

    @classmethod
    def because(cls, error: OSError) -> "Unreadable":
        """What the system said; never the path, which is told anyway."""
        return cls("unreadable", error.strerror or type(error).__name__)


@dataclass(slots=True)
class Listing:
    """What stands at watched paths.

    ``unsuitable`` are files that were named and have another suffix, ``directories`` those in which changes may show:
    each with its device and inode, since another may come to stand at the same path.
    """

    files: dict[Path, Version | Unreadable] = field(default_factory=dict)
    missing: set[Path] = field(default_factory=set)
    unsuitable: set[Path] = field(default_factory=set)
    directories: set[tuple[Path, int, int]] = field(default_factory=set)


def list_files(paths: Sequence[Path]) -> Listing:
    """Look at every path; directories are listed one level deep."""
    listing = Listing()
    for path in paths:
        try:
            _look_at(path, listing)
        except (FileNotFoundError, NotADirectoryError):
            listing.missing.add(path)
        except OSError as error:
            listing.files[path] = Unreadable.because(error)
        listing.directories.update(_around(path))
    return listing


def _look_at(path: Path, listing: Listing) -> None:
    if stat.S_ISDIR(path.stat().st_mode):
        for name in sorted(os.listdir(path)):
            if name.endswith(SUFFIXES):
                _add_file(path / name, listing)
    elif path.name.endswith(SUFFIXES):
        _add_file(path, listing)
    else:
        listing.unsuitable.add(path)


def _add_file(path: Path, listing: Listing) -> None:
    try:
        status = path.stat()
    except FileNotFoundError:
        # It went just now, or is a link that leads nowhere, such as editors leave as locks.
        return
    except OSError as error:
        listing.files[path] = Unreadable.because(error)
        return
    if stat.S_ISREG(status.st_mode):
        listing.files[path] = Version.of(status)
    elif not stat.S_ISDIR(status.st_mode):
        listing.files[path] = Unreadable("unreadable", "Not a regular file")


def _around(path: Path) -> Iterator[tuple[Path, int, int]]:
    """The path if it is a directory, and the nearest directory above it that is there."""
    for place in (path, *path.parents):
        try:
            status = place.stat()
        except OSError:
            continue
        if stat.S_ISDIR(status.st_mode):
            yield place, status.st_dev, status.st_ino
            if place != path:
                return


def read_file(path: Path, version: Version) -> bytes | Unreadable | None:
    """Return the content of a version of a file; None when another stands there by now."""
    try:
        # Whatever took its place must not make the builder wait.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            if Version.of(os.fstat(descriptor)) != version:
                return None
            content = file.read(MAXIMUM_BYTES + 1)
            if Version.of(os.fstat(descriptor)) != version:
                return None
    except FileNotFoundError:
        return None
    except OSError as error:
        return Unreadable.because(error)
    return _checked(content)


def _checked(content: bytes) -> bytes | Unreadable:
    """Refuse what is not to be put where it could be read by others than who wrote it."""
    if len(content) > MAXIMUM_BYTES:
        return Unreadable("too_large", f"more than {MAXIMUM_BYTES} bytes")
    if text_has_credentials(content.decode(errors="replace")):
        return Unreadable("invalid_specification", f"an address {REMEDY}")
    return content
