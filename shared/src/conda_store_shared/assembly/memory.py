"""How this process holds memory."""

import ctypes
import sys
from contextlib import suppress

# From glibc's malloc.h.
_MMAP_THRESHOLD = -3
_ARENA_MAX = -8
_LARGE = 1024 * 1024
_ARENAS = 2


def give_large_blocks_back() -> None:
    """Let large blocks go back to the system as soon as they are free.

    glibc would keep them for the next time, in each thread that had some: an upload then holds several times what it
    needs, as long as the process lives.  Other C libraries have no such thing.
    """
    _call("mallopt", _MMAP_THRESHOLD, _LARGE)
    _call("mallopt", _ARENA_MAX, _ARENAS)


def give_back_what_is_free() -> None:
    """Let what a start left free between what is used go back to the system."""
    _call("malloc_trim", 0)


def _call(name: str, *values: int) -> None:
    if sys.platform == "linux":
        with suppress(AttributeError):
            getattr(ctypes.CDLL(None), name)(*values)
