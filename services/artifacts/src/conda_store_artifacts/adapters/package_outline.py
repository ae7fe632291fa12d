"""Runs in a child process: packages in outline, to be installed in their stead.

Nearly all files of a package are in an environment what they were when it was packaged.  An outline is a package
without them: an install writes what it changes, such as files that say their prefix, and commands, and nothing else.
The record it leaves is completed with the rest.
"""

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conda_store_artifacts.adapters.package_entries import NotAsPackaged
from conda_store_shared.conda.meta_record import MetaRecord
from conda_store_shared.conda.package_cache import PackageCache, settle_outline
from conda_store_shared.conda.package_view import package_places
from conda_store_shared.domain.lockfile import LockedPackage

# What an install, and whoever completes its records, reads of a package besides the list of its files.
_READ = ("index.json", "about.json", "link.json", "conda-store-links.json", "conda-store-rattler.lock")
# Of a file about which there is more to be known, the install is asked.
_PLAIN = ("_path", "path_type", "sha256", "size_in_bytes")
_PLAIN_KEYS = frozenset(_PLAIN)
_TYPES = ("hardlink", "softlink")
_text = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(frozen=True, slots=True)
class Outline:
    """``plain`` are the files that an install of the package at ``extracted`` leaves as they are.

    By their paths in the environment: the row of the record, and the file.
    """

    extracted: Path
    plain: Mapping[str, tuple[Mapping[str, Any], str]]

    def complete(self, record: Path) -> None:
        """Let the record of an installed outline be that of the package."""
        if not self.plain:
            return
        read = MetaRecord.parse(record.read_bytes())
        value = json.loads(record.read_bytes())
        told = {entry["_path"]: entry for entry in value["paths_data"]["paths"]}
        told |= {path: row for path, (row, _) in self.plain.items()}
        files = _bulk("files", map(_text, _in_order({*value["files"], *self.plain})), 2)
        paths = _bulk("paths", (_row_text(told[path]) for path in _in_order(told)), 4)
        version = _text(value["paths_data"]["paths_version"])
        paths_data = f'\n  "paths_data": {{\n    "paths_version": {version},{paths}\n  }}'
        rest = {name: member for name, member in read.members.items() if name not in ("files", "paths_data")}
        record.write_bytes(MetaRecord(rest, (f"{files},".encode(), f"{paths_data},".encode())).to_bytes())


def write_outlines(
    cache: PackageCache, found: Mapping[str, Path], packages: Iterable[LockedPackage], python: str | None
) -> dict[str, Outline]:
    """Fill the new ``cache`` with outlines of packages; ``found`` is where they are, by NAME-VERSION-BUILD.

    Raises NotAsPackaged, and FileNotFoundError when one goes away meanwhile.
    """
    cache.packages.mkdir(parents=True)
    places = package_places(cache.packages, packages)
    if missing := places.keys() - found.keys():
        raise NotAsPackaged(f"{', '.join(sorted(missing))} has to be fetched")
    return {name: _write_outline(found[name], place, python) for name, place in places.items()}


def _write_outline(extracted: Path, outline: Path, python: str | None) -> Outline:
    plain: dict[str, tuple[Mapping[str, Any], str]] = {}
    try:
        changed, value = _divide(extracted, python, plain)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotAsPackaged(f"what {extracted.name} says of itself cannot be read: {error!r}") from error
    (outline / "info").mkdir(parents=True)
    for name in _READ:
        if os.path.lexists(extracted / "info" / name):
            (outline / "info" / name).symlink_to(extracted / "info" / name)
    (outline / "info/paths.json").write_text(json.dumps({**value, "paths": changed}))
    for row in changed:
        _take(row, extracted, outline)
    if not settle_outline(outline, extracted):
        raise NotAsPackaged(f"{extracted.name} is not fit to be linked")
    return Outline(extracted, plain)


def _divide(
    extracted: Path, python: str | None, plain: dict[str, tuple[Mapping[str, Any], str]]
) -> tuple[list[Mapping[str, Any]], Mapping[str, Any]]:
    """Fill ``plain``; returns the other rows, and all that the list of files says."""
    directories = _python_directories(extracted, python)
    value = json.loads((extracted / "info/paths.json").read_bytes())
    changed = []
    for row in value["paths"]:
        path = row["_path"]
        if row.keys() == _PLAIN_KEYS and row["path_type"] == "hardlink":
            place = _place(path, directories)
            plain[place] = ({name: place if name == "_path" else row[name] for name in _PLAIN}, f"{extracted}/{path}")
        else:
            changed.append(row)
    return changed, value


def _take(row: Mapping[str, Any], extracted: Path, outline: Path) -> None:
    source, target = extracted / row["_path"], outline / row["_path"]
    if row["path_type"] not in _TYPES:
        raise NotAsPackaged(f"{row['_path']} of {extracted.name} is no file")
    if row["path_type"] == "hardlink" and source.lstat().st_size != row.get("size_in_bytes", source.lstat().st_size):
        raise NotAsPackaged(f"{source} is not as long as it was")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def _python_directories(extracted: Path, python: str | None) -> Mapping[str, str]:
    """Where the first directory of a path leads in an environment, for packages that fit any Python."""
    index = json.loads((extracted / "info/index.json").read_bytes())
    noarch = index.get("noarch")
    if noarch in (None, "generic"):
        return {}
    if noarch != "python" or python is None:
        raise NotAsPackaged(f"{extracted.name} is for any Python, and there is none")
    return {"site-packages": f"lib/python{python}/site-packages", "python-scripts": "bin"}


def _place(path: str, directories: Mapping[str, str]) -> str:
    first, slash, rest = path.partition("/")
    return f"{directories[first]}/{rest}" if slash and first in directories else path


def _in_order(paths: Iterable[str]) -> list[str]:
    # As an install sorts them: directory by directory.
    return sorted(paths, key=lambda path: path.split("/"))


def _bulk(name: str, members: Iterable[str], indent: int) -> str:
    """A list of a record, one member below the other as an install writes them."""
    space = " " * indent
    listed = f",\n{space}  ".join(members)
    return f'\n{space}"{name}": [\n{space}  {listed}\n{space}]'


def _row_text(row: Mapping[str, Any]) -> str:
    # What indents in the standard library takes ten times as long.
    members = ",\n        ".join([f'"{name}": {_text(value)}' for name, value in row.items()])
    return f"{{\n        {members}\n      }}"
