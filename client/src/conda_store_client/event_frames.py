"""Reads the text of a stream of server-sent events, however it is cut into pieces.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from conda_store_client.errors import UnexpectedAnswer

# Far more than any event has; what never ends is no event.
_LONGEST_EVENT = 4 * 1024 * 1024
_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Frame:
    """An event: its type, its data, and the id to go on from after it (empty: none was told)."""

    event: str
    data: str
    last_id: str


@dataclass(slots=True)
class FrameReader:
    """Turns bytes into events; ``last_id`` is where to go on, ``retry`` after how many seconds, as last told."""

    last_id: str = ""
    retry: float | None = None
    _decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8-sig")("replace")
    )
    _rest: str = ""
    _ended_with_cr: bool = False
    _event: str = ""
    _id: str | None = None
    _data: list[str] = field(default_factory=list)
    _size: int = 0

    def read(self, piece: bytes) -> Iterator[Frame]:
        """Return the events that are whole with this piece; raises UnexpectedAnswer when one is far too long."""
        for line in self._lines(self._decoder.decode(piece)):
            if line:
                self._take(line)
                continue
            frame = self._dispatch()
            if frame is not None:
                yield frame

    def _lines(self, text: str) -> Iterator[str]:
        """Return the whole lines, which end with CR LF, LF or CR."""
        if not text:
            return
        if self._ended_with_cr:
            # The other half of a line end that was taken for whole.
            text = text.removeprefix("\n")
        self._ended_with_cr = text.endswith("\r")
        *lines, self._rest = _LINE_END.split(self._rest + text)
        self._limit(len(self._rest))
        yield from lines

    def _take(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
            self._size += len(value)
            self._limit(self._size)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry = int(value) / 1000

    def _dispatch(self) -> Frame | None:
        if self._id is not None:
            self.last_id = self._id
        data, event = self._data, self._event
        self._data, self._event, self._size = [], "", 0
        return Frame(event=event or "message", data="\n".join(data), last_id=self.last_id) if data else None

    def _limit(self, size: int) -> None:
        if size > _LONGEST_EVENT:
            raise UnexpectedAnswer("the server's stream has an event that does not end")
