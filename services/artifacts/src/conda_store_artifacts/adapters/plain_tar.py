"""Tars whose bytes follow from what is put into them: no owner, no names of users, no clock."""

import tarfile
from dataclasses import dataclass
from typing import Protocol

# Of files that have no time of their own; 1980 is the first that every unpacker believes.
MADE_UP_TIME = 315_532_800
_PIECE = 1024 * 1024
_RECORD = 512
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
        member = tarfile.TarInfo(self._root + entry.path)
        member.mtime = entry.time
        if entry.link is not None:
            member.type, member.linkname, member.mode = tarfile.SYMTYPE, entry.link, 0o777
            self._write_header(member)
        elif entry.content is not None:
            self._describe_file(member, entry, len(entry.content))
            self._sink.write(entry.content)
            self._pad(len(entry.content))
        elif entry.source is not None:
            self._copy(member, entry, entry.source)
        else:
            member.type, member.mode = tarfile.DIRTYPE, 0o755
            self._write_header(member)

    def _describe_file(self, member: tarfile.TarInfo, entry: Entry, size: int) -> None:
        member.size, member.mode = size, 0o755 if entry.executable else 0o644
        self._write_header(member)

    def _copy(self, member: tarfile.TarInfo, entry: Entry, source: str) -> None:
        self._describe_file(member, entry, entry.size)
        left = entry.size
        with open(source, "rb", buffering=0) as file:
            while left:
                piece = file.read(min(_PIECE, left))
                if not piece:
                    raise OSError(f"{source} became shorter while it was read")
                self._sink.write(piece)
                left -= len(piece)
        self._pad(entry.size)

    def _write_header(self, member: tarfile.TarInfo) -> None:
        self._sink.write(member.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape"))

    def _pad(self, size: int) -> None:
        if size % _RECORD:
            self._sink.write(bytes(_RECORD - size % _RECORD))

