"""How much of a build's log a reader has seen.

Attempts may write side by side, and pieces may come late, so a number of bytes would not do: a position counts the
pieces seen of each attempt.  It is written in digits only, and readers hand it back as it is; 0 is the beginning.
"""

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from conda_store_shared.errors import InvalidInput

_BEGINNING = "0"
_NAME_DIGITS, _COUNT_DIGITS = 10, 8
_PART_DIGITS = _NAME_DIGITS + _COUNT_DIGITS
_MAXIMUM_PARTS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPiece:
    """A piece of one attempt's log; ``sequence`` counts up from 0."""

    stage: str
    attempt_id: str
    sequence: int
    lines: str


@dataclass(frozen=True, slots=True)
class LogPosition:
    """Pieces seen, by a short name of the attempt."""

    seen: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "LogPosition":
        """Read what ``str`` gave; raises InvalidInput."""
        if text == _BEGINNING:
            return cls()
        digits = text[1:]
        is_whole = len(digits) % _PART_DIGITS == 0 and len(digits) // _PART_DIGITS <= _MAXIMUM_PARTS
        if not (text.isascii() and text.isdigit() and text[0] == "1" and is_whole):
            raise InvalidInput(f"position={text[:40]} is not valid; give 0, or what X-Log-Position said")
        parts = [digits[start : start + _PART_DIGITS] for start in range(0, len(digits), _PART_DIGITS)]
        return cls({int(part[:_NAME_DIGITS]): int(part[_NAME_DIGITS:]) for part in parts})

    def __str__(self) -> str:
        if not self.seen:
            return _BEGINNING
        return "1" + "".join(
            f"{name:0{_NAME_DIGITS}}{count:0{_COUNT_DIGITS}}" for name, count in sorted(self.seen.items())
        )

    def seen_of(self, attempt_id: str) -> int:
        """Pieces seen of an attempt."""
        return self.seen.get(_name(attempt_id), 0)

    def after(self, pieces: Iterable[LogPiece]) -> "LogPosition":
        """The position once ``pieces`` were seen as well."""
        seen = dict(self.seen)
        for piece in pieces:
            name = _name(piece.attempt_id)
            seen[name] = max(seen.get(name, 0), piece.sequence + 1)
        return LogPosition(seen)


def _name(attempt_id: str) -> int:
    return zlib.crc32(attempt_id.encode())


def without_gaps(pieces: Iterable[LogPiece], position: LogPosition) -> list[LogPiece]:
    """The pieces that follow ``position`` with none missing before them; the others are still on their way."""
    following: list[LogPiece] = []
    expected: dict[str, int] = {}
    for piece in pieces:
        if piece.sequence == expected.get(piece.attempt_id, position.seen_of(piece.attempt_id)):
            expected[piece.attempt_id] = piece.sequence + 1
            following.append(piece)
    return following
