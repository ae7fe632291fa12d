"""What an extracted package must be before anything of it is linked: its files, and what it says of them.

rattler extracts safely, and then trusts what it reads: it copies from and to wherever ``paths.json`` points, makes a
program of any name ``link.json`` has, and ends the whole process when ``index.json`` is another package's.  A package
is checked once, when it enters the cache.
"""

import json
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conda_store_shared.domain.lockfile import LockedPackage
from conda_store_shared.domain.package_address import PackageAddress
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure

_DEEPEST = 64
_LONGEST_LISTING = 256 * 1024**2
_CONTROL = re.compile("[\x00-\x1f\x7f\udc80-\udcff]")
_ENTRY_POINT = re.compile(r"[^\s/\\=:\x00-\x1f]+ *= *[\w.]+ *: *[\w.]+(?: *\[[\w, .-]*\])?")
_RECORDS = "conda-meta"
# What the records of an environment are; packages may bring other files of that directory.
_RECORD = re.compile(rf"{_RECORDS}/(?:.*\.json|history|conda-store.*)")
_KINDS = {stat.S_IFREG: "a file", stat.S_IFDIR: "a directory", stat.S_IFLNK: "a symbolic link"}
_TYPES: Mapping[Any, tuple[int, ...]] = {
    "hardlink": (stat.S_IFREG, stat.S_IFLNK),
    "softlink": (stat.S_IFLNK, stat.S_IFREG),
    "directory": (stat.S_IFDIR, stat.S_IFLNK),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageLimits:
    """How large one package may be once it is extracted."""

    bytes: int = 16 * 1024**3
    files: int = 500_000


class _Refused(ValueError):
    """Says why, of a package that the caller names."""


def check_package(directory: Path, package: LockedPackage, limits: PackageLimits) -> dict[str, int]:
    """What is in it: kinds by path.

    Raises StageFailure("invalid_package"), which names ``package``, when it must not be linked.
    """
    try:
        entries = _entries_of(directory, limits)
        _check_index(_object(directory, "info/index.json"), package)
        for path, placeholder in _listed(directory, entries):
            _check_path(path, placeholder)
        if "info/link.json" in entries:
            _check_entry_points(_object(directory, "info/link.json"))
        return entries
    except _Refused as refused:
        raise refusal(package, str(refused)) from None


def refusal(package: LockedPackage, reason: str) -> StageFailure:
    """The failure of a build that needs a package which is refused."""
    detail = f"package {package.name} {package.version} ({package.url.rpartition('/')[2]}) is refused: {reason}"
    return StageFailure(FailureCode.INVALID_PACKAGE, detail)


def leads_out(path: str) -> bool:
    """Whether a name in an archive is one that is not to be written to below a directory."""
    return not _is_relative(path) or bool(_CONTROL.search(path))


def measure(directory: Path, limits: PackageLimits) -> str | None:
    """What of a directory that is being extracted is beyond ``limits``; None while nothing is."""
    try:
        for _ in _walk(str(directory), limits):
            pass
    except _Refused as refused:
        return str(refused)
    return None


def _entries_of(directory: Path, limits: PackageLimits) -> dict[str, int]:
    """What is there, by path: its kind."""
    entries: dict[str, int] = {}
    for path, status in _walk(str(directory), limits):
        kind = stat.S_IFMT(status.st_mode)
        if _CONTROL.search(path):
            raise _Refused(f"a name in it holds control characters or is no text: {path!a}")
        if kind not in _KINDS:
            raise _Refused(f"{path} is neither file, directory nor symbolic link")
        if kind == stat.S_IFLNK:
            _check_link(path, os.readlink(directory / path))
        entries[path] = kind
    return entries


def _walk(root: str, limits: PackageLimits) -> Iterator[tuple[str, os.stat_result]]:
    """All that is below; what goes away meanwhile is passed over."""
    size = count = 0
    waiting = [("", 0)]
    while waiting:
        parent, depth = waiting.pop()
        if depth > _DEEPEST:
            raise _Refused(f"its directories are more than {_DEEPEST} deep")
        for name, status in _listing(os.path.join(root, parent)):
            path = f"{parent}{name}"
            count, size = count + 1, size + (status.st_size if stat.S_ISREG(status.st_mode) else 0)
            if count > limits.files:
                raise _Refused(
                    f"it holds more than {limits.files} files (CondaStoreWorker.package_max_files)"
                )
            if size > limits.bytes:
                raise _Refused(
                    f"it is larger than {limits.bytes} bytes once extracted (CondaStoreWorker.package_max_bytes)"
                )
            if stat.S_ISDIR(status.st_mode):
                waiting.append((f"{path}/", depth + 1))
            yield path, status


def _listing(directory: str) -> Iterator[tuple[str, os.stat_result]]:
    try:
        with os.scandir(directory) as listing:
            for entry in listing:
                yield entry.name, entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return


def _check_link(path: str, target: str) -> None:
    """A link may climb first and descend then, and never out of the package: so it leads there whatever else does."""
    steps = target.split("/")
    climbs = next((number for number, step in enumerate(steps) if step not in ("", ".", "..")), len(steps))
    is_inside = steps[:climbs].count("..") <= path.count("/") and ".." not in steps[climbs:]
    if target.startswith("/") or not is_inside:
        raise _Refused(f"the symbolic link {path} leads out of the environment: {target!a}")


def _check_index(index: Mapping[str, Any], package: LockedPackage) -> None:
    address = PackageAddress.parse(package.url)
    locked = {
        "name": (package.name, address.name),
        "version": (package.version, address.version),
        "build": (package.build or address.build,),
    }
    for field, expected in locked.items():
        if (found := index.get(field)) not in expected:
            raise _Refused(f"its info/index.json says {field} {found!a}, and the lockfile {expected[0]!a}")
    for field in ("depends", "constrains"):
        value = index.get(field, [])
        if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
            raise _Refused(f"`{field}` of its info/index.json is no list of texts")
    place = index.get("python_site_packages_path")
    if place is not None and (not isinstance(place, str) or not _is_relative(place)):
        raise _Refused(f"its python_site_packages_path leads out of the environment: {place!a}")


def _listed(directory: Path, entries: Mapping[str, int]) -> Iterator[tuple[str, Any]]:
    """The paths a package says are to be linked, each with its placeholder; they are checked against what is there."""
    if "info/paths.json" not in entries:
        for path in _lines(directory, "info/files"):
            _expect(entries, path, (stat.S_IFREG, stat.S_IFLNK))
            yield path, None
        return
    paths = _object(directory, "info/paths.json").get("paths")
    if not isinstance(paths, list):
        raise _Refused("its info/paths.json has no list of paths")
    for row in paths:
        if not isinstance(row, dict) or not isinstance(row.get("_path"), str) or row.get("path_type") not in _TYPES:
            raise _Refused(f"its info/paths.json has a row that is no path: {str(row)[:200]!a}")
        _expect(entries, row["_path"], _TYPES[row["path_type"]])
        yield row["_path"], row.get("prefix_placeholder")


def _expect(entries: Mapping[str, int], path: str, kinds: Iterable[int]) -> None:
    if not _is_relative(path):
        raise _Refused(f"it lists a path that leads out of it: {path!a}")
    kind = entries.get(path, 0)
    if kind not in kinds:
        there = _KINDS.get(kind, "not in it")
        raise _Refused(f"it lists {path!a}, which is {there}")


def _check_path(path: str, placeholder: Any) -> None:
    if _RECORD.fullmatch(path):
        raise _Refused(f"{path} would be a record of the environment itself")
    if placeholder is not None and (not isinstance(placeholder, str) or not placeholder):
        raise _Refused(f"the placeholder of {path} is no text")


def _is_relative(path: str) -> bool:
    return not any(step in ("", ".", "..") for step in path.split("/")) and "\\" not in path.split("/")[0]


def _check_entry_points(link: Mapping[str, Any]) -> None:
    noarch = link.get("noarch") or {}
    points = noarch.get("entry_points") or [] if isinstance(noarch, dict) else None
    if not isinstance(points, list):
        raise _Refused("its info/link.json has no list of entry points")
    for point in points:
        if not isinstance(point, str) or not _ENTRY_POINT.fullmatch(point) or point.startswith("."):
            raise _Refused(f"its info/link.json has an entry point that is none: {str(point)[:200]!a}")


def _object(directory: Path, name: str) -> Mapping[str, Any]:
    try:
        value = json.loads(_read(directory, name))
    except (ValueError, RecursionError) as error:
        raise _Refused(f"its {name} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise _Refused(f"its {name} is no JSON object")
    return value


def _lines(directory: Path, name: str) -> list[str]:
    try:
        return _read(directory, name).decode().splitlines()
    except UnicodeDecodeError:
        raise _Refused(f"its {name} is no text") from None


def _read(directory: Path, name: str) -> bytes:
    path = directory / name
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LONGEST_LISTING:
            raise _Refused(f"its {name} is no file, or too large")
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise _Refused(f"it has no {name}") from None
