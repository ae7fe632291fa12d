"""Runs in a child process: a prefix as an archive that conda-unpack makes work anywhere, by the conda-pack library.

conda-pack would read the package cache to learn where files mention the prefix; our prefixes do not name the cache,
but their conda-meta records tell the same.
"""

import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from conda_pack.core import File, Packer, load_files
from conda_pack.formats import TarArchive

from conda_store_artifacts.adapters.gzip_stream import GzipStream
from conda_store_shared.child.report import Report
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure

# Ours, and a tag that keeps backups from a directory: neither belongs to the environment.
_LEFT_OUT = frozenset({"conda-meta/conda-store", "CACHEDIR.TAG"})
# Files that conda-pack makes up have no time of their own; 1980 is the first that every unpacker believes.
_MADE_UP_TIME = 315_532_800
_PROGRESS_EVERY = 200


@dataclass(frozen=True, slots=True)
class _Mention:
    """A file that names the prefix: ``mode`` is ``text`` or ``binary``, ``placeholder`` what it said when packaged."""

    mode: str
    placeholder: str


def pack_prefix(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    """Write the archive of ``prefix`` to the new file ``output``; ``level`` and ``threads`` are those of gzip.

    Returns ``size`` in bytes, ``digest`` (SHA-256, hex) and the number of ``files``.  Raises StageFailure
    (prefix_missing, pack_failed).
    """
    prefix, output = Path(arguments["prefix"]), Path(arguments["output"])
    with _explained(prefix), output.open("xb") as file:
        sink = _DigestingFile(file)
        mentions = _read_mentions(prefix)
        paths = sorted(set(load_files(str(prefix))) - _LEFT_OUT)
        gzip = GzipStream(sink, level=arguments["level"], threads=arguments["threads"])
        with gzip as stream, _Tar(stream, prefix) as tar:
            packer = Packer(str(prefix), tar)
            for done, path in enumerate(paths):
                _add(packer, path, mentions)
                if done % _PROGRESS_EVERY == 0:
                    report.progress(done, len(paths), "files")
            packer.finish()
    report.progress(len(paths), len(paths), "files")
    return {"size": sink.size, "digest": sink.digest(), "files": len(paths)}


def restore_placeholder(content: bytes, prefix: bytes, placeholder: bytes) -> bytes:
    """Undo the replacement of ``placeholder`` by the shorter ``prefix`` in a binary file; the size stays the same.

    Each text was padded with NULs when it was shortened.  Where those are missing, the text is left as it is.
    """

    def lengthen(found: re.Match[bytes]) -> bytes:
        text, padding = found[1].replace(prefix, placeholder), found[2]
        grown = len(text) - len(found[1])
        # One NUL ends the text; only those beyond it are padding.
        return text + padding[grown:] if grown < len(padding) else found[0]

    return re.sub(rb"(" + re.escape(prefix) + rb"[^\0]*)(\0+)", lengthen, content)


class _DigestingFile:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hasher = hashlib.sha256()
        self.size = 0

    def write(self, content: bytes) -> None:
        self._hasher.update(content)
        self._file.write(content)
        self.size += len(content)

    def digest(self) -> str:
        return self._hasher.hexdigest()


class _Tar(TarArchive):  # type: ignore[misc]  # conda-pack has no type hints
    """A tar whose bytes follow from the prefix alone: members belong to root, and no clock is read."""

    def __init__(self, stream: GzipStream, prefix: Path) -> None:
        super().__init__(stream, arcroot="", mode="w")
        self._inside = f"{prefix}/"

    def _add(self, source: str, target: str) -> None:
        information = self._describe(source, target)
        if information is None:
            return
        if information.isreg():
            with open(source, "rb") as file:
                self.archive.addfile(information, file)
        else:
            self.archive.addfile(information)

    def _add_bytes(self, source: str, sourcebytes: bytes, target: str) -> None:
        information = self._describe(source, target)
        if information is not None:
            # Changed content is no other name of an unchanged file.
            information.type, information.linkname = tarfile.REGTYPE, ""
            information.size = len(sourcebytes)
            self.archive.addfile(information, io.BytesIO(sourcebytes))

    def _describe(self, source: str, target: str) -> tarfile.TarInfo | None:
        information: tarfile.TarInfo | None = self.archive.gettarinfo(source, target)
        if information is None:
            return None  # A socket or the like, which no archive can hold.
        information.uid = information.gid = 0
        information.uname = information.gname = ""
        information.mtime = int(information.mtime)
        if not source.startswith(self._inside):
            information.mtime = _MADE_UP_TIME
            information.mode = 0o755 if information.mode & 0o111 else 0o644
        elif target.startswith("conda-meta/"):
            # Written for their owner alone; who unpacks the archive is somebody else.
            information.mode |= 0o444
        return information


@contextmanager
def _explained(prefix: Path) -> Iterator[None]:
    try:
        if not (prefix / "conda-meta").is_dir():
            raise FileNotFoundError(prefix / "conda-meta")
        yield
    except FileNotFoundError as error:
        if (prefix / "conda-meta").is_dir():
            raise StageFailure(FailureCode.PACK_FAILED, f"{error.filename} vanished while it was packed") from error
        detail = f"there is no prefix at {prefix} on this machine"
        raise StageFailure(FailureCode.PREFIX_MISSING, detail) from error
    except PermissionError as error:
        detail = f"{error.filename} of the prefix cannot be read: {error.strerror}"
        raise StageFailure(FailureCode.PACK_FAILED, detail) from error


def _read_mentions(prefix: Path) -> dict[str, _Mention | None]:
    """Every file that conda installed, with its mention of the prefix."""
    mentions: dict[str, _Mention | None] = {}
    for path in sorted((prefix / "conda-meta").glob("*.json")):
        record = json.loads(path.read_bytes())
        for entry in record.get("paths_data", {}).get("paths", ()):
            placeholder = entry.get("prefix_placeholder")
            mention = _Mention(entry.get("file_mode") or "text", placeholder) if placeholder else None
            mentions[entry["_path"]] = mention
    return mentions


def _add(packer: Any, path: str, mentions: dict[str, _Mention | None]) -> None:
    source = os.path.join(packer.prefix, path)
    mention = mentions.get(path)
    if path.startswith("conda-meta/"):
        packer.add(File(source, path))
    elif os.path.islink(source) or os.path.isdir(source):
        packer.archive.add(source, path)
    elif mention is not None and mention.mode == "binary":
        _add_binary(packer, source, path, mention.placeholder)
    elif mention is not None:
        packer.add(File(source, path, file_mode="text", prefix_placeholder=packer.prefix))
    elif path in mentions and not path.startswith("bin/"):
        packer.archive.add(source, path)
    else:
        _add_unrecorded(packer, source, path)


def _add_binary(packer: Any, source: str, path: str, placeholder: str) -> None:
    """Add the file as it was packaged: a new prefix may then be as long as the placeholder, not only as ours."""
    content = Path(source).read_bytes()
    restored = restore_placeholder(content, packer.prefix.encode(), placeholder.encode())
    packer.archive.add_bytes(source, restored, path)
    for mentioned in (placeholder, packer.prefix):
        if mentioned.encode() in restored:
            packer.prefixes.append((path, mentioned, "binary"))


def _add_unrecorded(packer: Any, source: str, path: str) -> None:
    """Add a file that pip or a link script made, or an entry point: looked through, and mended when it is text."""
    if packer.prefix.encode() in Path(source).read_bytes():
        packer.add(File(source, path, is_conda=False, file_mode="unknown"))
    else:
        packer.archive.add(source, path)
