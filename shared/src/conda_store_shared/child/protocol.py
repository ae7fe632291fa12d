"""Frames between parent, zygote and child: a length of four bytes, then JSON.

Parent to zygote: ``fork`` (with two descriptors: request socket, log pipe), ``kill``; each with the child's number.
Zygote to parent: ``ready``, ``unready``, ``forked``, ``refused``, ``exited``.
Parent to child: a call.  Child to parent: any number of ``progress``, then one answer.
"""

import json
import struct
from typing import Any, TypeAlias

Frame: TypeAlias = dict[str, Any]

_LENGTH = struct.Struct(">I")
# Large enough for any lockfile, small enough to notice that the stream is out of step.
_LARGEST = 256 * 1024 * 1024


class BrokenStream(Exception):
    """Raised when what arrives cannot be a frame."""


def encode(frame: Frame) -> bytes:
    """Raises TypeError or ValueError when the frame cannot be JSON."""
    body = json.dumps(frame, allow_nan=False, separators=(",", ":")).encode()
    return _LENGTH.pack(len(body)) + body


class FrameBuffer:
    """Collects bytes until they make a frame."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, received: bytes) -> None:
        """Add what came in."""
        self._bytes += received

    def pop(self) -> Frame | None:
        """The next whole frame, or None.  Raises BrokenStream."""
        if len(self._bytes) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._bytes)
        if length > _LARGEST:
            raise BrokenStream(f"a frame of {length} bytes")
        end = _LENGTH.size + length
        if len(self._bytes) < end:
            return None
        frame: Frame = json.loads(self._bytes[_LENGTH.size : end])
        del self._bytes[:end]
        return frame
