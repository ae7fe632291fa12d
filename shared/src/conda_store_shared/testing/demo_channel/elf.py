"""Run paths of ELF files, rewritten in pure Python so that a packaged binary finds its libraries beside itself."""

import struct
from dataclasses import dataclass

PT_LOAD, PT_DYNAMIC = 1, 2
DT_NULL, DT_NEEDED, DT_STRTAB, DT_STRSZ, DT_SONAME, DT_RPATH, DT_RUNPATH = 0, 1, 5, 10, 14, 15, 29
PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")
DYNAMIC_ENTRY = struct.Struct("<qQ")
PAGE = 4096


class NoRoomForRunPath(ValueError):
    """Raised when a run path can neither replace an older one nor be put into the file's padding."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One program header: where a part of the file lies, and where it is mapped."""

    header: int
    kind: int
    offset: int
    address: int
    file_size: int
    memory_size: int


@dataclass(frozen=True, slots=True)
class DynamicEntry:
    """One entry of the dynamic section, and its place in the file."""

    position: int
    tag: int
    value: int


def is_elf(image: bytes) -> bool:
    """Whether this is a 64-bit little-endian ELF file, the only kind dealt with here."""
    return image[:6] == b"\x7fELF\x02\x01"


def needed_libraries(image: bytes) -> tuple[str, ...]:
    """Names of the libraries the loader has to find for this file."""
    return tuple(_string(image, entry.value) for entry in _dynamic(image) if entry.tag == DT_NEEDED)


def shared_object_name(image: bytes) -> str | None:
    """The name other files ask for this library by."""
    return next((_string(image, entry.value) for entry in _dynamic(image) if entry.tag == DT_SONAME), None)


def run_path(image: bytes) -> tuple[str, str] | None:
    """Kind (``RPATH`` or ``RUNPATH``) and text of the run path, if there is one."""
    for entry in _dynamic(image):
        if entry.tag in (DT_RPATH, DT_RUNPATH):
            return ("RPATH" if entry.tag == DT_RPATH else "RUNPATH"), _string(image, entry.value)
    return None


def replace_run_path(image: bytes, path: str) -> bytes:
    """The file with ``path`` in place of its run path, as RPATH; unchanged if it has none.

    RPATH, because libraries inherit it from the executable, and RUNPATH is not inherited.  Where ``path`` is longer
    than the old one the empty one is written: the executable's then applies.
    """
    entry = next((entry for entry in _dynamic(image) if entry.tag in (DT_RPATH, DT_RUNPATH)), None)
    if entry is None:
        return image
    start = _string_position(image, entry.value)
    room = image.index(b"\0", start) - start
    text = path.encode() if len(path) <= room else b""
    patched = bytearray(image)
    patched[start : start + room] = text.ljust(room, b"\0")
    DYNAMIC_ENTRY.pack_into(patched, entry.position, DT_RPATH, entry.value)
    return bytes(patched)


def ensure_run_path(image: bytes, path: str) -> bytes:
    """The file with ``path`` as RPATH, whether it had a run path or not.

    Raises NoRoomForRunPath when neither an older one nor the file's padding offers room.
    """
    present = run_path(image)
    if present is not None and len(path) <= len(present[1]):
        return replace_run_path(image, path)
    return _add_run_path(image, path)


def _add_run_path(image: bytes, path: str) -> bytes:
    """Put the text in the zero padding behind the segment of the string table, and name it in a spare dynamic entry."""
    text = path.encode() + b"\0"
    entries = _dynamic(image)
    table = next(entry for entry in entries if entry.tag == DT_STRTAB)
    segment = next(s for s in _segments(image) if s.kind == PT_LOAD and 0 <= table.value - s.address < s.file_size)
    start = segment.offset + segment.file_size
    page_end = -(-start // PAGE) * PAGE
    padding = image[start : start + len(text)]
    slot = _spare_slot(image, entries)
    if start + len(text) > page_end or any(padding) or segment.file_size != segment.memory_size or slot is None:
        raise NoRoomForRunPath("no padding for a run path behind the segment of the string table")
    patched = bytearray(image)
    patched[start : start + len(text)] = text
    size = segment.file_size + len(text)
    struct.pack_into("<QQ", patched, segment.header + 32, size, size)
    offset = segment.address + segment.file_size - table.value
    DYNAMIC_ENTRY.pack_into(patched, slot, DT_RPATH, offset)
    for entry in entries:
        if entry.tag == DT_STRSZ:
            DYNAMIC_ENTRY.pack_into(patched, entry.position, DT_STRSZ, offset + len(text))
    return bytes(patched)


def _spare_slot(image: bytes, entries: list[DynamicEntry]) -> int | None:
    """Place of an old run path's entry, or of a terminator that has another one behind it."""
    old = next((entry.position for entry in entries if entry.tag in (DT_RPATH, DT_RUNPATH)), None)
    if old is not None:
        return old
    dynamic = next(segment for segment in _segments(image) if segment.kind == PT_DYNAMIC)
    end = dynamic.offset + len(entries) * DYNAMIC_ENTRY.size
    behind = end + 2 * DYNAMIC_ENTRY.size
    inside = behind <= dynamic.offset + dynamic.file_size
    return end if inside and not any(image[end:behind]) else None


def _segments(image: bytes) -> list[Segment]:
    table, size, count = (
        struct.unpack_from("<Q", image, 32)[0],
        struct.unpack_from("<H", image, 54)[0],
        struct.unpack_from("<H", image, 56)[0],
    )
    segments = []
    for position in range(table, table + size * count, size):
        kind, _, offset, address, _, file_size, memory_size, _ = PROGRAM_HEADER.unpack_from(image, position)
        segments.append(Segment(position, kind, offset, address, file_size, memory_size))
    return segments


def _dynamic(image: bytes) -> list[DynamicEntry]:
    """Entries of the dynamic section before its terminator."""
    dynamic = next((segment for segment in _segments(image) if segment.kind == PT_DYNAMIC), None)
    entries: list[DynamicEntry] = []
    if dynamic is None:
        return entries
    for position in range(dynamic.offset, dynamic.offset + dynamic.file_size, DYNAMIC_ENTRY.size):
        tag, value = DYNAMIC_ENTRY.unpack_from(image, position)
        if tag == DT_NULL:
            break
        entries.append(DynamicEntry(position, tag, value))
    return entries


def _string_position(image: bytes, offset: int) -> int:
    table = next(entry.value for entry in _dynamic(image) if entry.tag == DT_STRTAB)
    address = table + offset
    segment = next(s for s in _segments(image) if s.kind == PT_LOAD and 0 <= address - s.address < s.file_size)
    return segment.offset + address - segment.address


def _string(image: bytes, offset: int) -> str:
    start = _string_position(image, offset)
    return image[start : image.index(b"\0", start)].decode()
