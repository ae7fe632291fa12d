"""Recompressor in a thread, a piece at a time: both libraries let others work meanwhile."""

import asyncio
from collections.abc import AsyncIterator

import zstandard
from isal import isal_zlib

# As small as gzip's best, and several times as quick to unpack.
_LEVEL = 3
_GZIP = 16 + isal_zlib.MAX_WBITS


async def recompressed(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield what ``pieces`` holds, compressed by zstd; raises ValueError when it is no whole gzip stream."""
    gunzip = _Gunzip()
    compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compressobj()

    def again(piece: bytes) -> bytes:
        return compressor.compress(gunzip.take(piece))

    async for piece in pieces:
        if compressed := await asyncio.to_thread(again, piece):
            yield compressed
    gunzip.finish()
    yield await asyncio.to_thread(compressor.flush)


class _Gunzip:
    """Any number of gzip members, one after the other."""

    def __init__(self) -> None:
        self._member = isal_zlib.decompressobj(wbits=_GZIP)
        self._is_between = True

    def take(self, piece: bytes) -> bytes:
        """What a piece of the stream holds."""
        found = bytearray()
        try:
            while piece:
                self._is_between = False
                found += self._member.decompress(piece)
                piece = b""
                if self._member.eof:
                    piece = self._member.unused_data
                    self._member = isal_zlib.decompressobj(wbits=_GZIP)
                    self._is_between = True
        except isal_zlib.error as error:  # type: ignore[misc]  # its stub tells of a variable
            raise ValueError(str(error)) from error
        return bytes(found)

    def finish(self) -> None:
        """Raise ValueError when a member is not whole."""
        if not self._is_between:
            raise ValueError("it ends too early")
