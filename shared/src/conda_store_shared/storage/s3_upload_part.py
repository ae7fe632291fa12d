"""One part of an upload, sent from the pieces it came in."""

import io
from collections.abc import Iterable, Iterator, Sequence

import aiohttp
from aiohttp.abc import AbstractStreamWriter

# As much as goes to the socket, or is hashed, before others have their turn.
_PIECE = 256 * 1024


class UploadPart(aiohttp.Payload):
    """A body in pieces that nobody joins: botocore reads it to sign it, aiohttp sends it, again when it has to.

    Joined it would be copied once more into fresh memory, which costs as much time as its digest.
    """

    _autoclose = True

    def __init__(self, pieces: Sequence[bytes]) -> None:
        super().__init__(pieces)
        self._pieces = pieces
        self._size = sum(map(len, pieces))
        self._unread = _views(self._pieces)

    def __len__(self) -> int:
        return self._size or 0

    def read(self, size: int = _PIECE) -> memoryview:
        """The next bytes, as many as are at hand; none at the end.  ``size`` is never below what is at hand."""
        return next(self._unread, memoryview(b""))

    def tell(self) -> int:
        """Where whoever signs it begins to read."""
        return 0

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Begin to read anew; nobody asks for another place."""
        self._unread = _views(self._pieces)
        return 0

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """As text, which nobody asks of a part; aiohttp wants it of every body."""
        return b"".join(self._pieces).decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Send all of it."""
        for view in _views(self._pieces):
            await writer.write(view)


def _views(pieces: Iterable[bytes]) -> Iterator[memoryview]:
    # No method: a part that holds what holds the part would stay in memory until it is looked for.
    for piece in pieces:
        view = memoryview(piece)
        for start in range(0, len(view), _PIECE):
            yield view[start : start + _PIECE]
