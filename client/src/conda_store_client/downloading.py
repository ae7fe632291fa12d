"""Downloads what a build left behind."""

import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

import httpx
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from conda_store_client.builds import LogReader, find_build
from conda_store_client.connection import Connection
from conda_store_client.errors import ClientError, RequestRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """Something to download: where below a build, the extension of its file, and the type of artifact it is made of.

    One ``of_platform`` is of one platform of the lock.
    """

    path: str
    extension: str
    artifact_type: str
    query: Mapping[str, str] = field(default_factory=dict)
    of_platform: bool = False


DOWNLOADED: Mapping[str, Download] = {
    "logs": Download(path="logs/", extension="log", artifact_type="LOGS"),
    "yaml": Download(path="yaml/", extension="yaml", artifact_type="YAML"),
    "lockfile": Download(path="lockfile/", extension="lock", artifact_type="LOCKFILE"),
    "archive": Download(path="archive/", extension="tar.gz", artifact_type="CONDA_PACK"),
    "archive-zstd": Download(
        path="archive/", extension="tar.zst", artifact_type="CONDA_PACK", query={"compression": "zstd"}
    ),
    "installer": Download(path="installer/", extension="sh", artifact_type="CONSTRUCTOR_INSTALLER"),
    "pixi": Download(path="pixi.lock", extension="pixi.lock", artifact_type="LOCKFILE"),
    "explicit": Download(path="explicit/", extension="explicit.txt", artifact_type="LOCKFILE", of_platform=True),
    "environment": Download(
        path="environment.yml", extension="environment.yml", artifact_type="LOCKFILE", of_platform=True
    ),
    "cyclonedx": Download(
        path="sbom/", extension="cdx.json", artifact_type="LOCKFILE", query={"format": "cyclonedx"}, of_platform=True
    ),
    "spdx": Download(
        path="sbom/", extension="spdx.json", artifact_type="LOCKFILE", query={"format": "spdx"}, of_platform=True
    ),
    "provenance": Download(path="provenance/", extension="provenance.json", artifact_type="LOCKFILE"),
}
# Until stored elsewhere, what does not exist is answered with one of these; S3 hides what is missing behind 403.
_MISSING = (httpx.codes.NOT_FOUND, httpx.codes.FORBIDDEN)


class Write(Protocol):
    """Takes the next piece of a file."""

    def __call__(self, piece: bytes, /) -> object: ...


def default_filename(build_id: int, artifact: str) -> str:
    """The file an artifact is written to unless told otherwise."""
    return f"build-{build_id}.{DOWNLOADED[artifact].extension}"


def download(
    connection: Connection, build_id: int, artifact: str, target: Path, platform: str | None = None
) -> None:
    """Write an artifact to a file, which appears when it is whole; raises ClientError.

    Without ``platform`` it is that of the platform that is installed.
    """
    try:
        with _writing(target) as write:
            if artifact == "logs":
                _write_log(connection, build_id, write)
            else:
                write_artifact(connection, build_id, artifact, write, platform)
    except OSError as error:
        raise ClientError(f"cannot write {target}", error.strerror or str(error)) from None


def _write_log(connection: Connection, build_id: int, write: Write) -> None:
    find_build(connection, build_id)
    log = LogReader(connection, build_id)
    while text := log.read():
        write(text.encode())


def write_artifact(
    connection: Connection, build_id: int, artifact: str, write: Write, platform: str | None = None
) -> None:
    """Hand on the pieces of an artifact as they come; raises ClientError."""
    wanted = DOWNLOADED[artifact]
    query = {**wanted.query, **({"platform": platform} if platform and wanted.of_platform else {})}
    path = f"/api/v1/build/{build_id}/{wanted.path}"
    try:
        with connection.stream(path, query) as response, _progress_bar(response) as advance:
            for piece in response.iter_bytes():
                write(piece)
                advance(len(piece))
    except RequestRefused as refusal:
        raise _explained(connection, build_id, artifact, refusal) from None


def _explained(connection: Connection, build_id: int, artifact: str, refusal: RequestRefused) -> ClientError:
    """The error with what the build itself can tell about it."""
    refusal = refusal.told_as(f"Error downloading build {build_id}")
    if refusal.status in _MISSING:
        try:
            build = find_build(connection, build_id)
        except ClientError:
            return refusal
        if DOWNLOADED[artifact].artifact_type not in build.artifacts:
            refusal.detail = (
                f"It has no {artifact} now; the build is {build.status}."
                f" `conda-store wait {build_id} --artifact {artifact}` waits for it."
            )
    return refusal


@contextmanager
def _writing(target: Path) -> Iterator[Write]:
    if target.exists() and not target.is_file():
        # A device or a pipe is written to as it is, and a directory refuses.
        with target.open("wb") as special:
            yield special.write
        return
    target = target.resolve()
    partial = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
    try:
        with partial.open("xb") as file:
            yield file.write
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


class Advance(Protocol):
    """Is told how many more bytes have come."""

    def __call__(self, size: int, /) -> None: ...


@contextmanager
def _progress_bar(response: httpx.Response, stream: IO[str] = sys.stderr) -> Iterator[Advance]:
    columns = (TextColumn("downloading"), BarColumn(), DownloadColumn(binary_units=True), TransferSpeedColumn())
    length = response.headers.get("Content-Length", "")
    console = Console(file=stream)
    with Progress(*columns, console=console, transient=True, disable=not stream.isatty()) as bar:
        transfer = bar.add_task("", total=int(length) if length.isdigit() else None)
        yield lambda size: bar.update(transfer, advance=size)
