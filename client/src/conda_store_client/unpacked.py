"""Environments unpacked on this machine, one directory for each build."""

import json
import os
import shutil
import stat
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conda_store_client.builds import Build
from conda_store_client.connection import Connection
from conda_store_client.downloading import download
from conda_store_client.errors import ClientError
from conda_store_client.unpacking import unpack

if sys.platform != "win32":
    import fcntl

_MARKER = Path("conda-meta", "conda-store-client.json")
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


def cached_prefix(connection: Connection, build: Build, temporary: Path) -> Path:
    """Return the directory a build is unpacked in, ``<temporary>/conda-store/<id>``; unpacks it if it is not there.

    Programs that want the same build at once wait for each other.  Raises ClientError.
    """
    root = _own_directory(temporary)
    prefix = root / str(build.id)
    identity = _identity(connection, build)
    with _locked(root / f".{build.id}.lock"):
        if _read_marker(prefix) != identity:
            _discard(prefix)
            unpack_build(connection, build, prefix)
    return prefix


def unpack_build(connection: Connection, build: Build, prefix: Path) -> None:
    """Download a build's archive and unpack it as ``prefix``, which does not exist yet; raises ClientError."""
    partial = prefix.with_name(f".{prefix.name}.{uuid.uuid4().hex}")
    try:
        partial.mkdir(mode=0o700)
        archive = partial / "archive.tar.gz"
        download(connection, build.id, "archive", archive)
        unpacked = partial / "prefix"
        unpacked.mkdir()
        unpack(archive, unpacked)
        unpacked.rename(prefix)
        # It writes the prefix's own path into files, so it runs where the prefix stays.
        _conda_unpack(prefix)
        _write_marker(prefix, _identity(connection, build))
    except OSError as error:
        raise ClientError(f"cannot unpack build {build.id} to {prefix}", error.strerror or str(error)) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _identity(connection: Connection, build: Build) -> dict[str, str | int]:
    # Another server, or this one with a new database, has other builds under the same ids.
    return {"url": connection.url, "build_id": build.id, "scheduled_on": build.scheduled_on}


def _conda_unpack(prefix: Path) -> None:
    script, python = prefix / "bin" / "conda-unpack", prefix / "bin" / "python"
    if not script.is_file():
        return
    interpreter = python if python.exists() else Path(sys.executable)
    done = subprocess.run([interpreter, script], capture_output=True, text=True, check=False)  # noqa: S603  the build's own
    if done.returncode != 0:
        raise ClientError(f"{script} failed with status {done.returncode}", done.stderr.strip())


def _own_directory(temporary: Path) -> Path:
    """A directory below ``temporary`` that nobody else can have put anything into."""
    if sys.platform == "win32":
        raise ClientError("builds run on Linux and macOS only")
    for path in (temporary / "conda-store", temporary / f"conda-store-{os.getuid()}"):
        try:
            path.mkdir(mode=0o700, exist_ok=True)
            found = path.lstat()
        except OSError:
            continue
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & _OTHERS_MAY_WRITE:
            return path
    raise ClientError(f"{temporary} has no place for unpacked builds", "Set TMPDIR, or use --no-cache.")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    try:
        with path.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise ClientError(f"cannot use {path.parent}", error.strerror or str(error)) from None


def _discard(prefix: Path) -> None:
    """Remove what an interrupted run, or another server's build, has left."""
    if prefix.exists():
        trash = prefix.with_name(f".trash-{uuid.uuid4().hex}")
        prefix.rename(trash)
        shutil.rmtree(trash, ignore_errors=True)


def _read_marker(prefix: Path) -> object:
    try:
        return json.loads((prefix / _MARKER).read_text())
    except (OSError, ValueError):
        return None


def _write_marker(prefix: Path, identity: dict[str, str | int]) -> None:
    marker = prefix / _MARKER
    marker.parent.mkdir(exist_ok=True)
    partial = marker.with_suffix(".part")
    partial.write_text(json.dumps(identity))
    partial.replace(marker)
