"""Tars whose bytes follow from what is put into them: no owner, no names of users, no clock."""

import os
import tarfile
from dataclasses import dataclass
from typing import Protocol

# Of files that have no time of their own; 1980 is the first that every unpacker believes.
MADE_UP_TIME = 315_532_800
_PIECE = 256 * 1024
_RECORD = 512
_LONGEST_NAME = 100
_LONG_NAME_OWN = b"././@LongLink"
# In eleven octal digits.
_LARGEST_NUMBER = 8**11 - 1
END = bytes(2 * _RECORD)


class Sink(Protocol):
    """Takes the bytes of the tar in order."""

    def write(self, content: bytes, /) -> object:
        """Take the next bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A member at ``path``: ``content``, or what the file ``source`` holds; a ``link``; a directory when none is set.

    ``size`` is that of ``source``, ``time`` is in seconds since 1970.
    """

    path: str
    source: str | None = None
    size: int = 0
    content: bytes | None = None
    link: str | None = None
    executable: bool = False
    time: int = MADE_UP_TIME


class PlainTar:
    """Writes members to ``sink``, below ``root``; the two empty records at the end of a tar are the caller's."""

    def __init__(self, sink: Sink, root: str = "") -> None:
        self._sink = sink
        self._root = f"{root.strip('/')}/" if root.strip("/") else ""

    def add(self, entry: Entry) -> None:
        """Write one member."""
        if entry.content is not None:
            size = len(entry.content)
            header = file_header(self._root + entry.path, size, entry.time, executable=entry.executable)
            self._sink.write(b"".join((header, entry.content, _padding(size))))
        elif entry.source is not None:
            self._copy(entry, entry.source)
        else:
            self._add_other(entry)

    def _add_other(self, entry: Entry) -> None:
        member = tarfile.TarInfo(self._root + entry.path)
        member.mtime = entry.time
        if entry.link is not None:
            member.type, member.linkname, member.mode = tarfile.SYMTYPE, entry.link, 0o777
        else:
            member.type, member.mode = tarfile.DIRTYPE, 0o755
        self._sink.write(member.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape"))

    def _copy(self, entry: Entry, source: str) -> None:
        header = file_header(self._root + entry.path, entry.size, entry.time, executable=entry.executable)
        if entry.size <= _PIECE:
            # Most files are small: what each costs counts more than what their bytes do.
            self._sink.write(b"".join((header, _read(source, entry.size), _padding(entry.size))))
            return
        self._sink.write(header)
        left = entry.size
        with open(source, "rb", buffering=0) as file:
            while left:
                piece = file.read(min(_PIECE, left))
                if not piece:
                    raise OSError(f"{source} became shorter while it was read")
                self._sink.write(piece)
                left -= len(piece)
        self._sink.write(_padding(entry.size))


def file_header(path: str, size: int, time: int, *, executable: bool) -> bytes:
    """The header of a regular file, the one that ``tarfile`` writes in a tenth of its time."""
    name = path.encode("utf-8", "surrogateescape")
    if size > _LARGEST_NUMBER or not 0 <= time <= _LARGEST_NUMBER:
        return _by_tarfile(path, size, time, executable=executable)
    header = _FILES[executable].fill(name[:_LONGEST_NAME], size, time)
    if len(name) <= _LONGEST_NAME:
        return header
    length = len(name) + 1
    return b"".join((_LONG_NAME.fill(_LONG_NAME_OWN, length, 0), name, b"\0", _padding(length), header))


def _by_tarfile(path: str, size: int, time: int, *, executable: bool) -> bytes:
    member = tarfile.TarInfo(path)
    member.size, member.mtime, member.mode = size, time, 0o755 if executable else 0o644
    return member.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


class _Template:
    """A header but for its name, size, time and the sum of its bytes."""

    def __init__(self, header: bytes) -> None:
        self._modes, self._rest = header[100:124], header[156:_RECORD]
        # The sum itself counts as eight spaces.
        self._sum = sum(self._modes) + sum(self._rest) + 8 * ord(" ")

    def fill(self, name: bytes, size: int, time: int) -> bytes:
        numbers = b"%011o\0%011o\0" % (size, time)
        checksum = self._sum + sum(name) + sum(numbers)
        return b"%b%b%b%06o\0 %b" % (name.ljust(_LONGEST_NAME, b"\0"), self._modes, numbers, checksum, self._rest)


_FILES = [_Template(_by_tarfile("name", 0, 0, executable=executable)) for executable in (False, True)]
_LONG_NAME = _Template(_by_tarfile("n" * (_LONGEST_NAME + 1), 0, 0, executable=False))


def _read(source: str, size: int) -> bytes:
    if not size:
        return b""
    descriptor = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    try:
        content = os.read(descriptor, size)
    finally:
        os.close(descriptor)
    if len(content) != size:
        raise OSError(f"{source} became shorter while it was read")
    return content


def _padding(size: int) -> bytes:
    return bytes(-size % _RECORD)
