"""Packages as ``.conda`` files, written so that equal content gives equal bytes."""

import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any

import zstandard

# A fixed moment, so that nothing depends on when a channel was built (2026-01-01T00:00:00Z).
TIMESTAMP = 1_767_225_600
ZIP_TIMESTAMP = (2026, 1, 1, 0, 0, 0)
COMPRESSION_LEVEL = 3
# 255 bytes, as long as conda-build's, so that a prefix of any allowed length fits into a binary.
PLACEHOLDER = ("/opt/conda-store-demo" + "_placehold" * 24)[:255]


class FileMode(Enum):
    """How the placeholder in a file is replaced by the prefix: of any length, or padded with zeros."""

    TEXT = "text"
    BINARY = "binary"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackagedFile:
    """One file of a package; ``path`` is relative to the prefix.  ``source`` is its content or where to read it."""

    path: str
    source: bytes | Path = b""
    executable: bool = False
    link_target: str | None = None
    file_mode: FileMode | None = None

    def read(self) -> bytes:
        """The content; of a symbolic link, what it points at."""
        if self.link_target is not None:
            return self.link_target.encode()
        return self.source.read_bytes() if isinstance(self.source, Path) else self.source


@dataclass(frozen=True, kw_only=True)
class CondaPackage:
    """A package to write: what the solver reads of it, and its files."""

    name: str
    version: str
    build: str
    subdir: str
    depends: tuple[str, ...] = ()
    constrains: tuple[str, ...] = ()
    noarch: str | None = None
    entry_points: tuple[str, ...] = ()
    license: str | None = None
    summary: str = ""
    purls: tuple[str, ...] = ()
    files: tuple[PackagedFile, ...] = ()

    @property
    def stem(self) -> str:
        """Name, version and build: the file name without ``.conda``."""
        return f"{self.name}-{self.version}-{self.build}"

    @cached_property
    def index(self) -> dict[str, Any]:
        """``info/index.json``: what becomes the record in repodata."""
        system, _, machine = self.subdir.partition("-")
        record: dict[str, Any] = {
            "name": self.name,
            "version": self.version,
            "build": self.build,
            "build_number": 0,
            "depends": list(self.depends),
            "constrains": list(self.constrains),
            "subdir": self.subdir,
            "platform": None if self.noarch else system,
            "arch": None if self.noarch else {"64": "x86_64", "32": "x86"}.get(machine, machine),
            "timestamp": TIMESTAMP * 1000,
        }
        optional = {"noarch": self.noarch, "license": self.license, "purls": list(self.purls)}
        return record | {key: value for key, value in optional.items() if value}


def write_conda_archive(package: CondaPackage, channel: Path) -> Path:
    """Write ``<channel>/<subdir>/<name>-<version>-<build>.conda`` and return its path."""
    files = sorted(package.files, key=lambda file: file.path)
    contents, paths = io.BytesIO(), []
    with _compressed_tar(contents) as archive:
        for file in files:
            content = file.read()
            _add(archive, file, content)
            paths.append(_path_entry(file, content))
    info = io.BytesIO()
    with _compressed_tar(info) as archive:
        for name, document in sorted(_info_documents(package, paths).items()):
            _add(archive, PackagedFile(path=f"info/{name}"), document)
    target = channel / package.subdir / f"{package.stem}.conda"
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as container:
        _store(container, "metadata.json", _json({"conda_pkg_format_version": 2}))
        _store(container, f"pkg-{package.stem}.tar.zst", contents.getvalue())
        _store(container, f"info-{package.stem}.tar.zst", info.getvalue())
    return target


def _info_documents(package: CondaPackage, paths: list[dict[str, Any]]) -> dict[str, bytes]:
    about: dict[str, Any] = {"summary": package.summary, "license": package.license, "channels": []}
    documents = {
        "index.json": _json(package.index),
        "paths.json": _json({"paths": paths, "paths_version": 1}),
        "about.json": _json(about),
        "files": "".join(f"{entry['_path']}\n" for entry in paths).encode(),
    }
    if package.noarch == "python":
        noarch = {"type": "python", "entry_points": list(package.entry_points)}
        documents["link.json"] = _json({"noarch": noarch, "package_metadata_version": 1})
    return documents


def _path_entry(file: PackagedFile, content: bytes) -> dict[str, Any]:
    if file.link_target is not None:
        # Installers check the content a link leads to; it lies in the same package, and is checked there.
        return {"_path": file.path, "path_type": "softlink"}
    entry: dict[str, Any] = {
        "_path": file.path,
        "path_type": "hardlink",
        "sha256": hashlib.sha256(content).hexdigest(),
        "size_in_bytes": len(content),
    }
    if file.file_mode is not None:
        entry |= {"prefix_placeholder": PLACEHOLDER, "file_mode": file.file_mode.value}
    return entry


@contextmanager
def _compressed_tar(target: io.BytesIO) -> Iterator[tarfile.TarFile]:
    compressor = zstandard.ZstdCompressor(level=COMPRESSION_LEVEL)
    with (
        compressor.stream_writer(target, closefd=False) as stream,
        tarfile.open(fileobj=stream, mode="w|", format=tarfile.GNU_FORMAT) as archive,
    ):
        yield archive


def _add(archive: tarfile.TarFile, file: PackagedFile, content: bytes) -> None:
    member = tarfile.TarInfo(file.path)
    member.mtime = TIMESTAMP
    member.mode = 0o755 if file.executable else 0o644
    if file.link_target is not None:
        member.type, member.linkname, member.mode = tarfile.SYMTYPE, file.link_target, 0o777
        archive.addfile(member)
        return
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def _store(container: zipfile.ZipFile, name: str, content: bytes) -> None:
    member = zipfile.ZipInfo(name, ZIP_TIMESTAMP)
    member.external_attr = 0o644 << 16
    container.writestr(member, content)


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True).encode() + b"\n"
