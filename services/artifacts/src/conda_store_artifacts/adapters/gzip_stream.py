"""One gzip stream, compressed by several threads, the same bytes whatever their number."""

import struct
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Protocol, Self

from isal import isal_zlib

# A full flush between blocks forgets the 32 KiB window; blocks much larger than that lose next to nothing.
_BLOCK = 512 * 1024
# Deflate, no name, no time, slowest-or-fastest flag unset, written on Unix (RFC 1952, section 2.3).
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"


class Sink(Protocol):
    """Takes the compressed bytes in order."""

    def write(self, content: bytes, /) -> object:
        """Take the next bytes."""


class GzipStream:
    """Compress what is written and hand it to ``sink``; the stream is complete when the context was left without error.

    ``level`` is ISA-L's, 0 to 3: at 2 about as small as zlib's 1.  What ``sink`` raises comes out of ``write`` or of
    leaving the context.
    """

    def __init__(self, sink: Sink, *, level: int, threads: int) -> None:
        self._sink = sink
        self._level = level
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="gzip")
        self._waiting: deque[Future[bytes]] = deque()
        self._most_waiting = threads * 2
        self._block = bytearray()
        self._size = 0
        self._checksum = isal_zlib.crc32(b"")

    def __enter__(self) -> Self:
        self._sink.write(_HEADER)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._pool:
            if kind is None:
                self._finish()
            else:
                self._pool.shutdown(cancel_futures=True)

    def tell(self) -> int:
        """Bytes written so far, before compression."""
        return self._size

    def write(self, content: bytes | bytearray | memoryview) -> int:
        """Take the next bytes."""
        self._block += content
        added = memoryview(content).nbytes
        self._size += added
        # Cut where they are due, so that the bytes do not depend on how much is written at once.
        while len(self._block) >= _BLOCK:
            self._begin_block(bytes(memoryview(self._block)[:_BLOCK]))
            del self._block[:_BLOCK]
        return added

    def _begin_block(self, content: bytes) -> None:
        self._checksum = isal_zlib.crc32(content, self._checksum)
        self._waiting.append(self._pool.submit(_compress, content, self._level))
        while len(self._waiting) > self._most_waiting:
            self._sink.write(self._waiting.popleft().result())

    def _finish(self) -> None:
        self._begin_block(bytes(self._block))
        while self._waiting:
            self._sink.write(self._waiting.popleft().result())
        end = _compressor(self._level).flush(isal_zlib.Z_FINISH)
        self._sink.write(end + struct.pack("<LL", self._checksum, self._size & 0xFFFFFFFF))


def _compress(content: bytes, level: int) -> bytes:
    compressor = _compressor(level)
    return compressor.compress(content) + compressor.flush(isal_zlib.Z_FULL_FLUSH)


def _compressor(level: int) -> isal_zlib.Compress:
    # ISA-L takes a sixth of zlib's time for the same size.
    return isal_zlib.compressobj(level, isal_zlib.DEFLATED, -isal_zlib.MAX_WBITS)
