"""Runs in a child process: what an installed prefix has besides the files of its packages, as a layer of an image.

Link scripts write files, wheels may have been built, and of a file that two packages bring one has won: fragments of
packages cannot tell, the prefix can.  Where files mention the prefix they are made to mention that of the image.
"""

import csv
import hashlib
import json
import os
import re
import stat
import tarfile
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from conda_store_artifacts.adapters.compression import Compression, Digesting, compressed
from conda_store_artifacts.adapters.plain_tar import END, MADE_UP_TIME
from conda_store_artifacts.domain.fragment import Codec
from conda_store_shared.child.report import Report
from conda_store_shared.domain.whole_marker import WHOLE_MARKER

_LEFT_OUT = frozenset({"conda-meta/history", WHOLE_MARKER})
_RECORD = 512


def write_rest(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    """Write the layer to ``output``; returns its digests and sizes.

    ``wheels`` are the names of pip packages that have layers of their own, ``target`` is the prefix of the image.
    """
    prefix, target = Path(arguments["prefix"]), arguments["target"]
    codec = Codec(arguments["codec"])
    compression = Compression(codec=codec, level=arguments["level"], threads=arguments["threads"])
    with compressed(Path(arguments["output"]), compression) as out:
        for path in sorted(_rest_of(prefix, arguments["wheels"])):
            _write(out.raw, prefix, path, target)
        out.raw.write(END)
    return {
        "digest": out.packed.digest(),
        "size": out.packed.size,
        "raw_digest": out.raw.digest(),
        "raw_size": out.raw.size,
    }


def _rest_of(prefix: Path, wheels: Collection[str]) -> Iterator[str]:
    """The paths of files that no layer of a package has, or not as they are here."""
    packaged = _packaged(prefix)
    of_wheels = Counter(path for name in wheels for path in _wheel_files(prefix, name))
    for directory, _, names in os.walk(prefix):
        for name in names:
            path = os.path.relpath(os.path.join(directory, name), prefix)
            if path in _LEFT_OUT or path.endswith(".pyc"):
                continue
            brought = of_wheels[path] + len(packaged.get(path, ()))
            if brought != 1 or _is_changed(prefix / path, packaged.get(path, [None])[0]):
                yield path


def _packaged(prefix: Path) -> dict[str, list[str | None]]:
    """The digests of the files of conda packages, None where they are not known."""
    found: dict[str, list[str | None]] = {}
    for record in sorted((prefix / "conda-meta").glob("*.json")):
        value = json.loads(record.read_bytes())
        if record.relative_to(prefix).as_posix() == WHOLE_MARKER or "files" not in value:
            continue
        told = {entry["_path"]: entry for entry in value.get("paths_data", {}).get("paths", ())}
        for path in {*value["files"], *told}:
            entry = told.get(path, {})
            digest = entry.get("sha256_in_prefix") or (None if "prefix_placeholder" in entry else entry.get("sha256"))
            found.setdefault(path, []).append(digest)
        found.setdefault(record.relative_to(prefix).as_posix(), []).append(None)
    return found


def _is_changed(path: Path, digest: str | None) -> bool:
    if digest is None or not stat.S_ISREG(path.lstat().st_mode):
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() != digest


def _wheel_files(prefix: Path, name: str) -> Iterator[str]:
    """The files of an installed wheel, by its own record."""
    wanted = _normalised(name)
    for record in prefix.glob("lib/python*/site-packages/*.dist-info/RECORD"):
        if _normalised(record.parent.name.removesuffix(".dist-info").rsplit("-", 1)[0]) != wanted:
            continue
        with record.open(newline="", encoding="utf-8") as file:
            for row in csv.reader(file):
                if row:
                    path = os.path.normpath(record.parent.parent / row[0])
                    yield os.path.relpath(path, prefix)


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _write(sink: Digesting, prefix: Path, path: str, target: str) -> None:
    source = prefix / path
    status = source.lstat()
    member = tarfile.TarInfo(f"{target.strip('/')}/{path}")
    member.mtime, content = MADE_UP_TIME, b""
    if stat.S_ISLNK(status.st_mode):
        link = os.readlink(source)
        inside = link == str(prefix) or link.startswith(f"{prefix}/")
        member.type, member.mode = tarfile.SYMTYPE, 0o777
        member.linkname = target + link.removeprefix(str(prefix)) if inside else link
    elif stat.S_ISREG(status.st_mode):
        member.mode = 0o755 if status.st_mode & stat.S_IXUSR else 0o644
        content = _moved(source.read_bytes(), os.fsencode(prefix), target.encode())
        member.size = len(content)
    else:
        return
    sink.write(member.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape"))
    sink.write(content + bytes(-len(content) % _RECORD))


def _moved(content: bytes, prefix: bytes, target: bytes) -> bytes:
    """The content with one prefix in place of another; in binaries texts keep their length, filled up with zeros."""
    if prefix not in content:
        return content
    if b"\x00" not in content:
        return content.replace(prefix, target)
    if len(target) > len(prefix):
        return content

    def replace(found: re.Match[bytes]) -> bytes:
        text = found[0].replace(prefix, target)
        return text + bytes(len(found[0]) - len(text))

    return re.sub(re.escape(prefix) + rb"[^\x00]*", replace, content)
