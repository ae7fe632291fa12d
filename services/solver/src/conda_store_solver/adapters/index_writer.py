"""Turns repodata into the list of a subdir's packages, file to file: neither is ever whole in memory."""

import contextlib
import json
import mmap
import os
import shutil
import tempfile
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO

from conda_store_shared.domain.channel_index import (
    IndexedBuild,
    IndexedPackage,
    pack_sections,
    write_contents,
)
from conda_store_solver.adapters.json_entries import read_entries
from conda_store_solver.domain.listed_file import ListedFile, packages_of, read_file, read_name, read_summary

_FILES = ("packages", "packages.conda")


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenIndex:
    """The digest of a list; how many files it has, and how many were left out since they are not as files are."""

    digest: str
    files: int
    left_out: int


def read_summaries(channeldata: Path) -> dict[str, str]:
    """What each package of a channel is for, by its name; as much of it as can be read."""
    found: dict[str, str] = {}
    with channeldata.open(encoding="utf-8", errors="replace") as stream, contextlib.suppress(ValueError):
        for _, name, entry in read_entries(stream, ("packages",)):
            if summary := read_summary(entry):
                found[name] = summary
    return found


def write_index(
    repodata: Path, target: Path, *, channel: str, subdir: str, summaries: Mapping[str, str]
) -> WrittenIndex:
    """Write the list of ``repodata`` to ``target``, which appears whole; raises ValueError for what is no repodata."""
    with tempfile.TemporaryFile(dir=target.parent) as spooled, tempfile.TemporaryFile(dir=target.parent) as body:
        spool = _Spool(spooled)
        left_out = spool.fill(repodata)
        entries = []
        for section in pack_sections(spool.packages(summaries)):
            body.write(section.content)
            entries.append(section.entry)
        contents = write_contents(channel, subdir, entries)
        body.seek(0)
        _publish(target, contents, body)
    return WrittenIndex(digest=sha256(contents).hexdigest(), files=spool.files, left_out=left_out)


def _publish(target: Path, contents: bytes, body: IO[bytes]) -> None:
    descriptor, name = tempfile.mkstemp(dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(contents)
            shutil.copyfileobj(body, file)
        Path(name).rename(target)
    finally:
        Path(name).unlink(missing_ok=True)


class _Spool:
    """The files of a subdir as lines on disk, found again by the name of their package."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._offsets: dict[str, array[int]] = {}
        self._lines: mmap.mmap | None = None
        self.files = 0

    def fill(self, repodata: Path) -> int:
        """Take what there is in ``repodata``; return how many records are not as records are."""
        left_out = offset = 0
        with repodata.open(encoding="utf-8", errors="replace") as stream:
            for _, filename, record in read_entries(stream, _FILES):
                name = read_name(record)
                file = read_file(filename, record) if name else None
                if name is None or file is None:
                    left_out += 1
                    continue
                self._offsets.setdefault(name, array("Q")).append(offset)
                offset += self._file.write(_line(file))
                self.files += 1
        self._file.flush()
        # An empty file cannot be mapped.
        self._lines = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ) if self.files else None
        return left_out

    def packages(self, summaries: Mapping[str, str]) -> Iterator[IndexedPackage]:
        """All versions of all packages, in order."""
        for name in sorted(self._offsets):
            yield from packages_of(name, self._files_of(name), summaries.get(name))

    def _files_of(self, name: str) -> Iterator[ListedFile]:
        if self._lines is not None:
            for offset in self._offsets[name]:
                self._lines.seek(offset)
                yield _file(self._lines.readline())


def _line(file: ListedFile) -> bytes:
    value = [file.version, astuple(file.build), file.is_conda, file.license, file.license_family]
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def _file(line: bytes) -> ListedFile:
    version, build, is_conda, license_text, license_family = json.loads(line)
    return ListedFile(
        version=version,
        build=IndexedBuild(
            build=build[0], build_number=build[1], md5=build[2], sha256=build[3], size=build[4], timestamp=build[5]
        ),
        is_conda=is_conda,
        license=license_text,
        license_family=license_family,
    )
