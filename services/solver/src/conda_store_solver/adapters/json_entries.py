"""Reads the entries of huge JSON documents one by one, in memory that does not grow with the document."""

import json
from collections.abc import Collection, Iterator
from typing import Any, TextIO

_PIECE = 1024 * 1024
_SPACE = " \t\r\n"
_ENDS = tuple(_SPACE + ",:}]")
_decode = json.JSONDecoder().raw_decode


def read_entries(stream: TextIO, wanted: Collection[str]) -> Iterator[tuple[str, str, Any]]:
    """Yield (key, name, value) for each ``"name": value`` of the objects that stand under the ``wanted`` keys.

    What stands under other keys is skipped.  Raises ValueError for what is no such document.
    """
    window = _Window(stream)
    for key in window.names():
        if key in wanted and window.next_character() == "{":
            for name in window.names():
                yield key, name, window.value()
        else:
            window.value()


class _Window:
    """The part of the document that is being looked at."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._text = ""
        self._at = 0
        self._ended = False

    def names(self) -> Iterator[str]:
        """Yield the names in the object that begins here; the caller reads each value before the next name."""
        self._expect("{")
        if self.next_character() == "}":
            self._at += 1
            return
        while True:
            name = self.value()
            if not isinstance(name, str):
                raise ValueError("a name in an object is no text")
            self._expect(":")
            yield name
            if self._take() == "}":
                return

    def value(self) -> Any:
        """Return the value that begins here."""
        self.next_character()
        while True:
            try:
                value, end = _decode(self._text, self._at)
            except ValueError:
                # It may only be cut.
                if not self._more():
                    raise
                continue
            # A number that ends with the window, or before a dot there, goes on behind it.
            if self._text[end : end + 1] in _ENDS or not self._more():
                self._at = end
                return value

    def next_character(self) -> str:
        """Return the next character that is no space, without taking it; raises ValueError at the end."""
        while True:
            while self._at < len(self._text):
                character = self._text[self._at]
                if character not in _SPACE:
                    return character
                self._at += 1
            if not self._more():
                raise ValueError("the document ends too early")

    def _take(self) -> str:
        character = self.next_character()
        if character not in ",}":
            raise ValueError(f"unexpected {character!r} in an object")
        self._at += 1
        return character

    def _expect(self, character: str) -> None:
        if self.next_character() != character:
            raise ValueError(f"expected {character!r}, found {self._text[self._at]!r}")
        self._at += 1

    def _more(self) -> bool:
        """Look further; by ever larger steps, so that a long value is not read over and over again."""
        if self._ended:
            return False
        self._text = self._text[self._at :]
        self._at = 0
        piece = self._stream.read(max(_PIECE, len(self._text)))
        self._text += piece
        self._ended = not piece
        return bool(piece)
