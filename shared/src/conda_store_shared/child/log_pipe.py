"""What a child and everything it starts prints, as lines."""

import asyncio
import os
from collections.abc import Callable

from conda_store_shared.redaction import redact

Sink = Callable[[str], None]

_CHUNK = 65536
# A pipe holds at most this much (Linux's default limit), so whatever was written before a drain is read by it.
_PIPE = 1024 * 1024
_LONGEST_LINE = 16384


class LogPipe:
    """Reads the pipe all the time; gives lines to ``sink`` while there is one, and forgets them otherwise."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._loop = asyncio.get_running_loop()
        self._line = bytearray()
        self._sink: Sink | None = None
        self._open = True
        self._loop.add_reader(descriptor, self._read)

    def attach(self, sink: Sink) -> None:
        """Give the lines that come from now on to ``sink``."""
        self._line.clear()
        self._sink = sink

    def detach(self) -> None:
        """Give the sink whatever has been written, the unfinished last line too, and then nothing more."""
        rest = _PIPE
        while rest > 0 and self._open and (count := self._read()):
            rest -= count
        if self._line:
            self._take(b"\n")
        self._sink = None

    def close(self) -> None:
        """Stop reading."""
        if self._open:
            self._open = False
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)

    def _read(self) -> int:
        try:
            received = os.read(self._descriptor, _CHUNK)
        except BlockingIOError:
            return 0
        if received:
            self._take(received)
        else:
            self.close()
        return len(received)

    def _take(self, received: bytes) -> None:
        *ended, rest = received.split(b"\n")
        for piece in ended:
            self._add(piece)
            if self._sink is not None:
                self._sink(_text(self._line))
            self._line.clear()
        self._add(rest)

    def _add(self, piece: bytes) -> None:
        # One byte more than is shown tells that the line was cut.
        self._line += piece[: max(0, _LONGEST_LINE + 1 - len(self._line))]


def _text(line: bytearray) -> str:
    """Readable whatever it was; no NUL, which no database takes as text; no credentials."""
    shown = line[:_LONGEST_LINE].decode(errors="replace").rstrip("\r").replace("\0", "�")
    return redact(shown) + (" … (cut)" if len(line) > _LONGEST_LINE else "")
