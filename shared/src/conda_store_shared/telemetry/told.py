"""Figures that child processes count: kept there until the answer to the call takes them along.

In a child ``hit`` and the others only take notes; the process that called adds them up with ``add``.
"""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

Note = list[Any]
# More is not told by one call: what nobody fetches must not grow.
_MOST = 1000
_notes: deque[Note] = deque(maxlen=_MOST)


def looked_up(cache: str, hits: int, misses: int) -> None:
    """So many of what was wanted were in the cache, and so many were not."""
    _notes.append(["cache", cache, hits, misses])


def downloaded(what: str, size: int) -> None:
    """So many bytes came from elsewhere."""
    _notes.append(["downloaded", what, size])


@contextmanager
def step(name: str) -> Iterator[None]:
    """Tell how long a part of the work takes."""
    began = time.monotonic()
    try:
        yield
    finally:
        _notes.append(["step", name, time.monotonic() - began])


def take() -> Sequence[Note]:
    """Return what was noted, and forget it."""
    notes = list(_notes)
    _notes.clear()
    return notes
