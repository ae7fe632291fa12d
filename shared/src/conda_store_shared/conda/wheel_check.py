"""What a wheel must be before it is unpacked by us: its names and sizes, and the commands it wants."""

import configparser
import re
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

from conda_store_shared.conda.package_check import PackageLimits, leads_out, refusal
from conda_store_shared.domain.lockfile import LockedPackage

_LONGEST_TEXT = 1024 * 1024
_DATA = re.compile(r"[^/]+\.data/(?P<scheme>[^/]+)/(?P<path>.+)")
_SCHEMES = ("purelib", "platlib", "headers", "scripts", "data")
_RECORDS = "conda-meta"
_ENTRY_POINT = re.compile(r"[\w.]+(?: *: *[\w.]+)?(?: *\[[\w, .-]*\])?", re.ASCII)
_COMMAND = re.compile(r"[^\s/\\=\x00-\x1f.][^\s/\\=\x00-\x1f]*")


def check_wheel(wheel: Path, package: LockedPackage, limits: PackageLimits) -> None:
    """Raise StageFailure("invalid_package"), which names ``package``, when unpacking would do harm."""
    reason = next(_reasons(wheel, limits), None)
    if reason is not None:
        raise refusal(package, reason)


def _reasons(wheel: Path, limits: PackageLimits) -> Iterator[str]:
    try:
        with zipfile.ZipFile(wheel) as archive:
            entries = archive.infolist()
            if len(entries) > limits.files:
                yield f"it holds more than {limits.files} files (CondaStoreWorker.package_max_files)"
            if sum(entry.file_size for entry in entries) > limits.bytes:
                yield f"it is larger than {limits.bytes} bytes once unpacked (CondaStoreWorker.package_max_bytes)"
            for entry in entries:
                yield from _wrong_with(entry)
                if entry.filename.endswith(".dist-info/entry_points.txt"):
                    yield from _wrong_commands(archive, entry)
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        yield f"it is no wheel: {error}"


def _wrong_with(entry: zipfile.ZipInfo) -> Iterator[str]:
    name = entry.filename.removesuffix("/")
    if leads_out(name):
        yield f"a name in it leads out of the environment: {name!a}"
    if stat.S_ISLNK(entry.external_attr >> 16):
        yield f"{name} is a symbolic link"
    if placed := _DATA.fullmatch(name):
        if placed["scheme"] not in _SCHEMES:
            yield f"{name} has no place in an environment"
        if placed["scheme"] == "data" and placed["path"].split("/")[0] == _RECORDS:
            yield f"{name} would be a record of the environment itself"


def _wrong_commands(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[str]:
    if entry.file_size > _LONGEST_TEXT:
        yield "its entry points are too many"
        return
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    try:
        parser.read_string(archive.read(entry).decode())
    except (configparser.Error, UnicodeDecodeError) as error:
        yield f"its entry points cannot be read: {error}"
    for section in ("console_scripts", "gui_scripts"):
        for command, place in parser.items(section) if parser.has_section(section) else ():
            if not _COMMAND.fullmatch(command) or not _ENTRY_POINT.fullmatch(place):
                yield f"it has an entry point that is none: {command!a} = {place!a}"
