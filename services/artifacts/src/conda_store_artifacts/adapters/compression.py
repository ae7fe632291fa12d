"""Runs in a child process: bytes compressed on their way to a file, with the digests of both sides."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import zstandard

from conda_store_artifacts.adapters.gzip_stream import GzipStream
from conda_store_artifacts.domain.fragment import Codec


@dataclass(frozen=True, slots=True, kw_only=True)
class Compression:
    """``threads`` compress; their number does not change the bytes."""

    codec: Codec
    level: int
    threads: int


class Digesting:
    """Counts and hashes what goes through to ``sink``."""

    def __init__(self, sink: BinaryIO | GzipStream | zstandard.ZstdCompressionWriter) -> None:
        self._sink = sink
        self._hasher = hashlib.sha256()
        self.size = 0

    def write(self, content: bytes) -> int:
        """Pass the bytes on."""
        self._hasher.update(content)
        self._sink.write(content)
        self.size += len(content)
        return len(content)

    def flush(self) -> None:
        """Nothing is held back."""

    def digest(self) -> str:
        """SHA-256 (hex) of what went through."""
        return self._hasher.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Compressed:
    """Where to write, and what was written: ``raw`` before, ``packed`` after compression."""

    raw: Digesting
    packed: Digesting


@contextmanager
def compressed(path: Path, wanted: Compression) -> Iterator[Compressed]:
    """Write to ``raw``; the new file at ``path`` is complete when the context was left."""
    with path.open("xb") as file:
        packed = Digesting(file)
        if wanted.codec == Codec.GZIP:
            with GzipStream(packed, level=wanted.level, threads=wanted.threads) as stream:
                yield Compressed(raw=Digesting(stream), packed=packed)
        else:
            compressor = zstandard.ZstdCompressor(level=wanted.level, threads=wanted.threads, write_checksum=True)
            with compressor.stream_writer(packed, closefd=False) as writer:  # type: ignore[arg-type]  # has no fileno
                yield Compressed(raw=Digesting(writer), packed=packed)
