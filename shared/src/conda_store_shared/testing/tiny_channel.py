"""A conda channel and a package index of empty packages, and a server that can be as unfriendly as the world is."""

import asyncio
import hashlib
import io
import json
import tarfile
import threading
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rattler.index import index_fs

_TIMESTAMP = 1_767_225_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TinyPackage:
    """A conda package without files."""

    name: str
    version: str = "1.0"
    build: str = "0"
    subdir: str = "noarch"
    depends: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)

    def write(self, channel: Path) -> Path:
        """Write it to its subdir of ``channel``."""
        index = {
            "name": self.name,
            "version": self.version,
            "build": self.build,
            "build_number": 0,
            "depends": list(self.depends),
            "subdir": self.subdir,
            "timestamp": _TIMESTAMP,
            **({"noarch": "generic"} if self.subdir == "noarch" else {}),
            **self.extra,
        }
        directory = channel / self.subdir
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"{self.name}-{self.version}-{self.build}.tar.bz2"
        with tarfile.open(path, "w:bz2") as archive:
            _add(archive, "info/index.json", json.dumps(index))
            _add(archive, "info/paths.json", json.dumps({"paths": [], "paths_version": 1}))
            _add(archive, "info/files", "")
        return path


def write_tiny_channel(channel: Path, packages: Iterable[TinyPackage], *, shards: bool = True) -> None:
    """Write and index a channel; not to be called where an event loop runs."""
    for package in packages:
        package.write(channel)
    (channel / "noarch").mkdir(parents=True, exist_ok=True)
    asyncio.run(_index(channel, shards))


async def _index(channel: Path, shards: bool) -> None:
    await index_fs(channel, write_zst=True, write_shards=shards, force=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class TinyWheel:
    """A wheel without modules; ``tag`` such as ``py3-none-any``; ``source`` makes it a source archive instead."""

    name: str
    version: str = "1.0"
    requires: tuple[str, ...] = ()
    tag: str = "py3-none-any"
    source: bool = False

    def write(self, index: Path) -> Path:
        """Write it below its name in the simple index at ``index``, and list it there."""
        directory = index / self.name
        directory.mkdir(parents=True, exist_ok=True)
        stem = self.name.replace("-", "_")
        path = directory / (f"{stem}-{self.version}.tar.gz" if self.source else f"{stem}-{self.version}-{self.tag}.whl")
        metadata = f"Metadata-Version: 2.1\nName: {self.name}\nVersion: {self.version}\n"
        metadata += "".join(f"Requires-Dist: {text}\n" for text in self.requires)
        with zipfile.ZipFile(path, "w") as archive:
            information = f"{stem}-{self.version}.dist-info"
            archive.writestr(f"{information}/METADATA", metadata)
            archive.writestr(f"{information}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {self.tag}\n")
            archive.writestr(f"{information}/RECORD", "")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        with (directory / "index.html").open("a") as listing:
            listing.write(f'<a href="{path.name}#sha256={digest}">{path.name}</a>\n')
        return path


class UnfriendlyServer:
    """Serves ``directory`` on 127.0.0.1 as long as it is entered.

    ``<url>/open/…`` gives files, and to a conditional request a 304 without validators; ``<url>/secret/…`` the same
    to whoever sends ``authorization``, else a 401; ``<url>/status/<code>/…`` that status; ``<url>/silent/…`` never
    answers.
    """

    def __init__(self, directory: Path, *, authorization: str = "Bearer open-sesame") -> None:
        self.authorization = authorization
        self.requests: list[str] = []
        self.closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), partial(_Handler, self, directory=str(directory)))
        self._thread = threading.Thread(target=self._server.serve_forever, name="unfriendly-server", daemon=True)

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that leave in the middle are what this server is for."""


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, owner: UnfriendlyServer, *arguments: Any, directory: str) -> None:
        self._owner = owner
        super().__init__(*arguments, directory=directory)

    def do_GET(self) -> None:
        """Answer as the first segment of the path says."""
        self._owner.requests.append(self.path)
        _, manner, *rest = self.path.split("/")
        if manner == "silent":
            self._owner.closing.wait()
        elif manner == "status":
            self.send_error(int(rest[0]))
        elif manner == "secret" and self.headers.get("Authorization") != self._owner.authorization:
            self.send_error(401)
        else:
            self.path = "/" + "/".join(rest)
            super().do_GET()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def _add(archive: tarfile.TarFile, name: str, text: str) -> None:
    content = text.encode()
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))
