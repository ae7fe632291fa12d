"""A different secret in every kind of credential, and where to look for them."""

import base64
import gzip
import os
import re
import shutil
import sqlite3
import subprocess
import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, quote_plus

import zstandard

from conda_store_shared.testing.servers.conda_store import SIGNING_KEY
from conda_store_shared.testing.servers.s3 import SECRET_KEY

# Odd signs show whether what is masked as it stands is also masked as it is written into an address.
SECRETS = {
    "channel token": "cnry-tk-1f0a93c7",
    "channel password": "cnry/pw:2+b=7d40e1",
    "channel bearer": "cnry-br-3c81f25a",
    "channel header": "cnry-hd-4d92e06b",
    "index password": "cnry/ix:5+e=a3f17c",
    "wrong token": "cnry-wt-6fb4082d",
    "wrong password": "cnry/wp:7+0=c5193e",
    "signing secret": "cnry-jw-81d62a4f-which-is-long-enough",
    "signing key": SIGNING_KEY.splitlines()[1],
    "database password": "cnry-db-92e73b50",
    "broker password": "cnry-mq-a3f84c61",
    "storage secret": SECRET_KEY,
    "registry password": "cnry/rg:9+c=9a2e47",
    "login password": "cnry-lg-b4095d72",
    "address in a specification": "cnry-sp-c51a6e83",
}
# What searches, and servers that tests start.
_OTHERS = ("grep", "rclone")
_GZIP, _ZSTD = b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd"


def forms(secret: str) -> set[str]:
    """A secret as it stands, as part of an address, and inside anything that was encoded by base64."""
    found = {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), repr(secret)[1:-1]}
    for before in ("", "x", "xx"):
        encoded = base64.b64encode(f"{before}{secret}".encode()).decode().rstrip("=")
        # What the neighbours of the secret share with it is left out.
        found.add(encoded[(0, 2, 3)[len(before)] : -1])
    return found


class Search:
    """Looks for secrets in files and texts; names what was found and where, and never the secret."""

    def __init__(self, secrets: Mapping[str, str], scratch: Path) -> None:
        self._names = {form: name for name, secret in secrets.items() for form in forms(secret)}
        self._any = re.compile("|".join(map(re.escape, self._names)))
        self._scratch = scratch
        scratch.mkdir(exist_ok=True)
        self._patterns = scratch / "patterns"
        self._patterns.write_text("\n".join(self._names))

    def in_text(self, where: str, text: str) -> Iterator[str]:
        """What a text holds."""
        for found in {self._names[form] for form in self._any.findall(text)}:
            yield f"{found}: {where}"

    def in_files(self, *places: Path) -> Iterator[str]:
        """What files hold, those below directories included."""
        command = ["grep", "-raFo", "--devices=skip", "-f", str(self._patterns), "--", *map(str, places)]
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", env={**os.environ, "LC_ALL": "C"}
        )
        assert done.returncode in (0, 1), done.stderr
        for line in set(done.stdout.splitlines()):
            path, _, form = line.partition(":")
            yield f"{self._names.get(form, form)}: {path}"

    def in_objects(self, objects: Mapping[str, bytes]) -> Iterator[str]:
        """What objects hold, compressed parts of them included."""
        place = self._scratch / "objects"
        for number, (key, content) in enumerate(objects.items()):
            directory = place / f"{number}-{key.replace('/', '-')}"[:200]
            directory.mkdir(parents=True)
            for layer, plain in enumerate(unpacked(content)):
                (directory / str(layer)).write_bytes(plain)
        yield from self.in_files(place)
        shutil.rmtree(place)


def unpacked(content: bytes) -> Iterator[bytes]:
    """The content, and whatever is compressed in it from the first mark of gzip or zstd on."""
    yield content
    for mark, decompress in ((_GZIP, _gunzip), (_ZSTD, _unzstd)):
        start = content.find(mark)
        if start >= 0:
            yield decompress(content[start:])


def _gunzip(content: bytes) -> bytes:
    plain = bytearray()
    while content[:3] == _GZIP:
        stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            plain += stream.decompress(content)
        except zlib.error:
            break
        content = stream.unused_data
    return bytes(plain)


def _unzstd(content: bytes) -> bytes:
    try:
        return zstandard.ZstdDecompressor().stream_reader(content, read_across_frames=True).read()
    except zstandard.ZstdError:
        return b""


def rows_of_sqlite(path: Path) -> Iterator[str]:
    """Every row of every table."""
    with sqlite3.connect(path) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            yield from (f"{table}: {row}" for row in connection.execute(f'SELECT * FROM "{table}"'))
    connection.close()


@contextmanager
def watched_command_lines() -> Iterator[set[str]]:
    """The command lines of all processes there are meanwhile, but those of the servers which tests start."""
    seen: set[str] = set()
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            seen.update(_command_lines())

    thread = threading.Thread(target=watch, name="command lines", daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def _command_lines() -> Iterable[str]:
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                program, *arguments = Path(entry.path, "cmdline").read_text(errors="replace").split("\0")
            except OSError:
                continue
            if Path(program).name not in _OTHERS:
                yield " ".join((program, *arguments))


def self_test_content() -> bytes:
    """Something compressed inside of something else."""
    return b"#!/bin/sh\n" + gzip.compress(SECRETS["channel token"].encode())
