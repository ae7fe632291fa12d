"""Run paths are rewritten in place, and put into padding where there is none."""

import struct
import sys
from pathlib import Path

import pytest

from conda_store_shared.testing.demo_channel.elf import (
    NoRoomForRunPath,
    ensure_run_path,
    is_elf,
    needed_libraries,
    replace_run_path,
    run_path,
    shared_object_name,
)
from conda_store_shared.testing.demo_channel.interpreter import describe_interpreter

DT_NEEDED, DT_STRTAB, DT_STRSZ, DT_SONAME, DT_RUNPATH = 1, 5, 10, 14, 29
HEADERS_END = 64 + 3 * 56
BASE = 0x400000


def an_elf(*, old_path: str | None = None, spare_entries: int = 3, padding: int = 256) -> bytes:
    """The least that a loader would read: headers, a string table in the first segment, a dynamic section behind it."""
    strings = b"\0libz.so.1\0libdemo.so.2\0" + ((old_path or "").encode() + b"\0")
    table = BASE + HEADERS_END
    entries = [(DT_NEEDED, 1), (DT_SONAME, 11), (DT_STRTAB, table), (DT_STRSZ, len(strings))]
    if old_path is not None:
        entries.append((DT_RUNPATH, 24))
    dynamic = b"".join(struct.pack("<qQ", *entry) for entry in entries) + bytes(16 * (1 + spare_entries))
    first_end = HEADERS_END + len(strings)
    second = first_end + padding
    segments = [
        (1, 4, 0, BASE, BASE, first_end, first_end, 4096),
        (1, 6, second, BASE + 0x1000 + second, 0, len(dynamic), len(dynamic), 4096),
        (2, 6, second, BASE + 0x1000 + second, 0, len(dynamic), len(dynamic), 8),
    ]
    header = (
        b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 3, 0, 0, 0)
    )
    table_of_segments = b"".join(struct.pack("<IIQQQQQQ", *segment) for segment in segments)
    return header + table_of_segments + strings + bytes(padding) + dynamic


def test_elf_reader_tells_names_and_run_path() -> None:
    image = an_elf(old_path="/opt/python/lib")
    assert is_elf(image)
    assert needed_libraries(image) == ("libz.so.1",)
    assert shared_object_name(image) == "libdemo.so.2"
    assert run_path(image) == ("RUNPATH", "/opt/python/lib")


def test_elf_reader_refuses_other_files() -> None:
    assert not is_elf(b"#!/bin/sh\n")


def test_run_path_becomes_inherited_and_keeps_the_size_when_replaced() -> None:
    image = an_elf(old_path="/opt/python/lib")
    patched = replace_run_path(image, "$ORIGIN")
    assert run_path(patched) == ("RPATH", "$ORIGIN")
    assert len(patched) == len(image)


def test_run_path_is_emptied_when_the_new_one_is_longer() -> None:
    assert run_path(replace_run_path(an_elf(old_path="/a"), "$ORIGIN/../lib")) == ("RPATH", "")


def test_file_is_unchanged_when_it_has_no_run_path_to_replace() -> None:
    image = an_elf()
    assert replace_run_path(image, "$ORIGIN") == image


@pytest.mark.parametrize("old_path", [None, "/a", "/opt/python-3.11/lib"])
def test_run_path_is_there_whatever_the_file_had_before(old_path: str | None) -> None:
    patched = ensure_run_path(an_elf(old_path=old_path), "$ORIGIN/../lib")
    assert run_path(patched) == ("RPATH", "$ORIGIN/../lib")
    assert needed_libraries(patched) == ("libz.so.1",)


@pytest.mark.parametrize(("spare_entries", "padding"), [(0, 256), (3, 4)])
def test_run_path_is_refused_when_the_file_has_no_room(spare_entries: int, padding: int) -> None:
    image = an_elf(spare_entries=spare_entries, padding=padding)
    with pytest.raises(NoRoomForRunPath):
        ensure_run_path(image, "$ORIGIN/../lib")


def test_running_interpreter_takes_a_run_path() -> None:
    executable = describe_interpreter(Path(sys.executable)).executable
    assert run_path(ensure_run_path(executable.read_bytes(), "$ORIGIN/../lib")) == ("RPATH", "$ORIGIN/../lib")
