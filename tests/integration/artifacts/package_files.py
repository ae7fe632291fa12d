"""Conda packages and wheels with the files a test wants, on local disk."""

import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from conda_store_shared.domain.lockfile import LockedPackage

PLACEHOLDER = "/placehold_" * 12
PLATFORM = "linux-64"


def write_package(
    channel: Path,
    name: str,
    files: Mapping[str, bytes],
    *,
    version: str = "1.0",
    noarch: bool = False,
    links: Mapping[str, str] | None = None,
    more: Mapping[str, bytes] | None = None,
) -> LockedPackage:
    """Write a package with ``files``; whatever says PLACEHOLDER is declared, binary when it holds a NUL.

    ``links`` are symbolic ones; ``more`` are files that are not declared.
    """
    subdir = "noarch" if noarch else PLATFORM
    path = channel / subdir / f"{name}-{version}-0.tar.bz2"
    path.parent.mkdir(parents=True, exist_ok=True)
    index = {"name": name, "version": version, "build": "0", "build_number": 0, "depends": [], "subdir": subdir}
    links = links or {}
    paths = [_described(target, content) for target, content in files.items()]
    paths += [{**_described(target, b""), "path_type": "softlink"} for target in links]
    information = {
        "info/index.json": json.dumps(index | ({"noarch": "python"} if noarch else {})).encode(),
        "info/paths.json": json.dumps({"paths": paths, "paths_version": 1}).encode(),
        "info/files": "\n".join(files).encode(),
    }
    with tarfile.open(path, "w:bz2") as archive:
        for target, content in {**information, **files, **(more or {})}.items():
            member = tarfile.TarInfo(target)
            member.size, member.mtime = len(content), 1_700_000_000
            member.mode = 0o755 if "bin/" in target else 0o664
            archive.addfile(member, io.BytesIO(content))
        for target, led in links.items():
            member = tarfile.TarInfo(target)
            member.type, member.linkname, member.mtime = tarfile.SYMTYPE, led, 1_700_000_000
            archive.addfile(member)
    return _locked(path, name, version, "conda")


def write_wheel(directory: Path, name: str, files: Mapping[str, bytes], entry_points: str = "") -> LockedPackage:
    """Write a wheel with ``files`` and ``entry_points``, the text of entry_points.txt."""
    path = directory / f"{name}-1.0-py3-none-any.whl"
    directory.mkdir(parents=True, exist_ok=True)
    information = {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if entry_points:
        information["entry_points.txt"] = entry_points
    members = {**files, **{f"{name}-1.0.dist-info/{key}": value.encode() for key, value in information.items()}}
    record = "".join(f"{target},,\n" for target in [*members, f"{name}-1.0.dist-info/RECORD"])
    with zipfile.ZipFile(path, "w") as archive:
        for target, content in {**members, f"{name}-1.0.dist-info/RECORD": record.encode()}.items():
            archive.writestr(target, content)
    return _locked(path, name, "1.0", "pip")


def _described(target: str, content: bytes) -> dict[str, object]:
    described: dict[str, object] = {
        "_path": target,
        "path_type": "hardlink",
        "sha256": hashlib.sha256(content).hexdigest(),
        "size_in_bytes": len(content),
    }
    if PLACEHOLDER.encode() in content:
        mode = "binary" if b"\0" in content else "text"
        described |= {"prefix_placeholder": PLACEHOLDER, "file_mode": mode}
    return described


def _locked(path: Path, name: str, version: str, manager: str) -> LockedPackage:
    return LockedPackage(
        name=name,
        version=version,
        manager=manager,
        platform=PLATFORM,
        url=path.as_uri(),
        md5=None,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        build="0" if manager == "conda" else None,
        dependencies={},
    )
