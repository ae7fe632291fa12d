"""The package caches of a node: one per owner and mode, so that a hard link always has the right ones.

<root>/packages/<uid>-<gid>-<mode>/                               extracted by rattler: see ``package_view``
<root>/packages/<uid>-<gid>-<mode>/<package>/info/conda-store.json  written when the package is fit to be linked
<root>/uv/                                                        wheels; copied, never linked
"""

import json
import os
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conda_store_shared.conda.ownership import Ownership, file_sizes, own_cached_package, remove_tree
from conda_store_shared.domain.prefix_record import InstalledPackage

_SETTLED = "info/conda-store.json"
_DIGEST_LENGTH = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageCache:
    """The caches below ``root``; ``packages`` is the one for ``ownership``."""

    root: Path
    ownership: Ownership

    @property
    def packages(self) -> Path:
        """Where packages are extracted."""
        return self.root / "packages" / self.ownership.label

    @property
    def wheels(self) -> Path:
        """Where uv keeps what it fetched."""
        return self.root / "uv"

    def settle(self, extracted: Path, archive_bytes: int | None) -> int | None:
        """Make a newly extracted package fit to be linked; returns the size of its archive, None when not known.

        Archives carry modes such as 664, and rattler keeps them.  A repeat, or two at once, does the same again.
        """
        note = extracted / _SETTLED
        known = _read(note)
        if known is not None and (known.get("size") is not None or archive_bytes is None):
            size: int | None = known.get("size")
            return size
        files = own_cached_package(extracted, self.ownership)
        _note(extracted, archive_bytes, files)
        return archive_bytes

    def settled_files(self, installed: Iterable[InstalledPackage], device: int) -> dict[int, int]:
        """Sizes by inode of the files of packages that are fit to be linked, on the file system ``device``."""
        found: dict[int, int] = {}
        for package in installed:
            name = f"{package.name}-{package.version}-{package.build}"
            place = package_place(self.packages, name, package.sha256 or package.md5)
            known = _read(place / _SETTLED) or {}
            # In a copy of the cache, inodes are other files.
            if "inodes" in known and _is_at(place, device, known["directory"]):
                found.update(zip(known["inodes"], known["sizes"], strict=True))
        return found


def package_place(shared: Path, name: str, digest: str) -> Path:
    """Where a package is shared; ``name`` is NAME-VERSION-BUILD, of which two channels may have different ones."""
    return shared / f"{name}-{digest[:_DIGEST_LENGTH]}"


def is_whole(package: Path) -> bool:
    """Whether every file of a shared package is there, as long as it was when the package was made fit to be linked.

    After a loss of power files may be empty; what a file says is not looked at.
    """
    known = _read(package / _SETTLED)
    if known is None or "inodes" not in known:
        return False
    try:
        status = package.stat()
        sizes = file_sizes(package)
        if not _is_at(package, status.st_dev, known["directory"]):
            # A copy, with inodes of its own.
            return not Counter(known["sizes"]) - Counter(sizes.values())
    except FileNotFoundError:
        return False
    return all(sizes.get(inode) == size for inode, size in zip(known["inodes"], known["sizes"], strict=True))


def settle_outline(outline: Path, package: Path) -> bool:
    """Make ``outline``, a package with some files of another, fit to be linked, unless the other is not.

    Files may be links to those of ``package``: neither owner nor mode of them changes.
    """
    known = _read(package / _SETTLED)
    if known is not None:
        _note(outline, known.get("size"), {})
    return known is not None


def remove_package(package: Path) -> None:
    """Take a shared package away at once, for the next install to fetch it again; harmless when it is gone."""
    aside = package.with_name(f".damaged-{uuid.uuid4().hex}")
    with suppress(FileNotFoundError):
        os.rename(package, aside)
        remove_tree(aside)


def remove_remains(root: Path, age: float) -> None:
    """Remove what killed installs left half extracted in the caches below ``root``, ``age`` seconds ago or more."""
    for directory in (root / "packages").glob("*/.*/"):
        with suppress(FileNotFoundError):
            if directory.stat().st_mtime < time.time() - age:
                remove_tree(directory)


def remove_unused(root: Path, age: float) -> None:
    """Remove packages and wheels below ``root`` that were used last ``age`` seconds ago or more, and remains of others.

    Whoever is about to use one fetches it again.
    """
    remove_remains(root, age)
    for package in (*(root / "packages").glob("*/[!.]*/"), *(root / "wheels").glob("*/")):
        with suppress(FileNotFoundError):
            if package.stat().st_mtime < time.time() - age:
                remove_package(package)


def _note(extracted: Path, archive_bytes: int | None, files: Mapping[int, int]) -> None:
    note = extracted / _SETTLED
    draft = note.with_name(f".{uuid.uuid4().hex}")
    told = {
        "size": archive_bytes,
        "directory": extracted.stat().st_ino,
        # Two flat lists are read ten times as quickly as one of pairs.
        "inodes": list(files),
        "sizes": list(files.values()),
    }
    draft.write_text(json.dumps(told))
    os.replace(draft, note)


def _is_at(directory: Path, device: int, inode: int) -> bool:
    status = directory.stat()
    return (status.st_dev, status.st_ino) == (device, inode)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        value: dict[str, Any] = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return value
