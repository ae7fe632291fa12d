"""Runs in a child process: the files of an installed conda package, as an archive or a layer holds them."""

import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from conda_pack.core import rewrite_shebang

from conda_store_artifacts.adapters.plain_tar import MADE_UP_TIME, Entry
from conda_store_artifacts.domain.fragment import FragmentKind
from conda_store_artifacts.domain.fragment_files import FragmentFiles, Mention
from conda_store_shared.conda.meta_record import MetaRecord
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure

_VARIABLES = "etc/conda/env_vars.d/"
# Where rattler puts a file that another package of the same install brings, too.
_CLOBBERED = "__clobbers__"


class NotAsPackaged(Exception):
    """Raised when the files of a package cannot be read where it is; the message is the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A conda package in ``prefix``, linked for ``target``; ``extracted`` is how it was packaged.

    ``python`` is that of the environment, such as ``3.11``; None without one.  ``plain`` are files that are not in
    ``prefix``, since they are as they were packaged: the packaged one by its path in an environment.
    """

    record: Path
    prefix: Path
    target: str
    extracted: Path
    python: str | None
    plain: Mapping[str, str] = field(default_factory=dict)

    @property
    def site_packages(self) -> str | None:
        """The directory of the environment's Python packages below the prefix."""
        return f"lib/python{self.python}/site-packages" if self.python else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """The members of a fragment in their order, and what has to be known of them."""

    members: tuple[Entry, ...]
    files: FragmentFiles


def package_entries(package: Installed, kind: FragmentKind) -> Entries:
    """List the files of a package with its record.

    Raises StageFailure when files are missing, NotAsPackaged and FileNotFoundError for plain ones.
    """
    text = package.record.read_bytes()
    record = json.loads(text)
    aside = f"{_CLOBBERED}/{record['name']}/"
    if aside.encode() in text:
        text = text.replace(f'"{aside}'.encode(), b'"')
        record = json.loads(text)
    reader = _PackageReader(package, record, kind)
    members = [*reader.members(), _record_entry(package.record, text)]
    script = f"bin/.{record['name']}-post-link.sh"
    return Entries(
        members=tuple(sorted(members, key=lambda member: member.path)),
        files=FragmentFiles.of(
            (member.path for member in members if not is_directory(member)),
            reader.mentions,
            link_script=any(member.path == script for member in members),
            variables=_variables(reader, record.get("files", ())),
        ),
    )


def _variables(reader: "_PackageReader", paths: Iterable[str]) -> dict[str, str]:
    """What the package sets in an environment that is activated."""
    found: dict[str, str] = {}
    for path in sorted(paths):
        if path.startswith(_VARIABLES) and path.endswith(".json"):
            with suppress(OSError, ValueError, AttributeError):
                told = json.loads(Path(reader.place_of(path)).read_bytes())
                found |= {str(name): str(value) for name, value in told.items()}
    return found


def mended_script(content: bytes, path: str, prefix: str) -> tuple[bytes, bool]:
    """A command with its interpreter found by ``env``; False when the prefix is still said somewhere."""
    mended, is_mended = rewrite_shebang(content, path, prefix)
    return bytes(mended), bool(is_mended) or prefix.encode() not in content


def is_directory(entry: Entry) -> bool:
    """Whether the member is a directory."""
    return entry.source is None and entry.content is None and entry.link is None


class _PackageReader:
    """Reads the files of one package; ``mentions`` fills on the way.  There may be many: paths are plain text here."""

    def __init__(self, package: Installed, record: Mapping[str, Any], kind: FragmentKind) -> None:
        self.mentions: list[Mention] = []
        self._target = package.target
        self._prefix = f"{package.prefix}/"
        self._aside = f"{package.prefix}/{_CLOBBERED}/{record['name']}/"
        self._extracted = f"{package.extracted}/"
        self._record = record
        self._kind = kind
        self._plain = package.plain
        paths = record.get("paths_data", {}).get("paths", ())
        self._told = {entry["_path"]: entry for entry in paths}
        is_python = record.get("noarch") == "python"
        self._site_packages = f"{package.site_packages}/" if is_python and package.site_packages else None

    def members(self) -> Iterator[Entry]:
        """Every file the record names, and directories that are empty."""
        for path in sorted({*self._record.get("files", ()), *self._told}):
            member = self._plain_member(path) if path in self._plain else self._member(path)
            if member is not None:
                yield member

    def place_of(self, path: str) -> str:
        """The file as it is in an environment."""
        if path in self._plain:
            return self._plain[path]
        return self._aside + path if os.path.lexists(self._aside + path) else self._prefix + path

    def _plain_member(self, path: str) -> Entry:
        source = self._plain[path]
        status = os.lstat(source)
        if not stat.S_ISREG(status.st_mode) or status.st_size != self._told[path]["size_in_bytes"]:
            raise NotAsPackaged(f"{source} is not as long as it was packaged")
        executable, time = bool(status.st_mode & stat.S_IXUSR), int(status.st_mtime)
        return Entry(path=path, source=source, size=status.st_size, executable=executable, time=time)

    def _member(self, path: str) -> Entry | None:
        installed = self.place_of(path)
        try:
            status = os.lstat(installed)
        except FileNotFoundError:
            if self._told.get(path, {}).get("path_type") == "pyc_file":
                return None
            detail = f"{path} of package {self._record['name']} is missing, though nothing failed"
            raise StageFailure(FailureCode.INTERNAL_ERROR, detail) from None
        if stat.S_ISDIR(status.st_mode):
            return None if os.listdir(installed) else Entry(path=path)
        origin, packaged = self._origin_of(path)
        time = int(packaged.st_mtime) if packaged else MADE_UP_TIME
        if stat.S_ISLNK(status.st_mode):
            return Entry(path=path, link=os.readlink(installed), time=time)
        executable = bool(status.st_mode & stat.S_IXUSR)
        member = Entry(path=path, source=installed, size=status.st_size, executable=executable, time=time)
        if self._kind == FragmentKind.LAYER:
            return member
        if packaged is None:
            return replace(member, source=None, content=self._generated(path, Path(installed).read_bytes()))
        return self._as_packaged(replace(member, source=origin, size=packaged.st_size), origin)

    def _as_packaged(self, member: Entry, origin: str) -> Entry:
        """The member with what the package says, not what it was linked for."""
        path, told = member.path, self._told.get(member.path, {})
        placeholder, mode = told.get("prefix_placeholder"), told.get("file_mode") or "text"
        if placeholder and mode == "text" and path.startswith("bin/"):
            content, is_mended = mended_script(Path(origin).read_bytes(), path, placeholder)
            if is_mended:
                return replace(member, source=None, content=content)
        if placeholder:
            self.mentions.append(Mention(path=path, placeholder=placeholder, mode=mode))
        return member

    def _generated(self, path: str, content: bytes) -> bytes:
        """The content of a file that the install made, such as a command of a noarch package."""
        target = self._target
        mended, is_mended = mended_script(content, path, target) if path.startswith("bin/") else (content, False)
        if not is_mended and target.encode() in mended:
            self.mentions.append(Mention(path=path, placeholder=target, mode="text"))
        return mended

    def _origin_of(self, path: str) -> tuple[str, os.stat_result | None]:
        """The file of the package that ``path`` was made from."""
        names = [path]
        if self._site_packages is not None:
            if path.startswith(self._site_packages):
                names.insert(0, f"site-packages/{path.removeprefix(self._site_packages)}")
            elif path.startswith("bin/"):
                names.insert(0, f"python-scripts/{path.removeprefix('bin/')}")
        for name in names:
            with suppress(FileNotFoundError, NotADirectoryError):
                return self._extracted + name, os.lstat(self._extracted + name)
        return "", None


def _record_entry(path: Path, text: bytes) -> Entry:
    """The record, the same wherever the package was linked from."""
    record = MetaRecord.parse(text)
    if isinstance(record.members.get("link"), dict):
        record.members["link"] = {"source": "", "type": 1}
    return Entry(path=f"conda-meta/{path.name}", content=record.to_bytes())


def find_record(prefix: Path, name: str) -> Path:
    """The record of the package NAME-VERSION-BUILD that was just installed; raises StageFailure("internal_error")."""
    path = prefix / "conda-meta" / f"{name}.json"
    if not path.exists():
        raise StageFailure(FailureCode.INTERNAL_ERROR, f"package {name} was not installed, though nothing failed")
    return path
