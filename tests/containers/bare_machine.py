"""A machine with nothing but glibc, a shell and `env`: what environments may rely on, and no more."""

import ctypes.util
import os
import re
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

_PROGRAMS = ("/bin/sh", "/usr/bin/env")
_LIBRARIES = ("c", "m", "pthread", "dl", "rt", "resolv", "util")


def write_bare_machine(path: Path, archive: Path, place: str) -> None:
    """Write the tar of such a machine to `path`, with what is in `archive` below the directory `place`."""
    with tarfile.open(path, "w") as root, tarfile.open(archive) as packed:
        for file in _files():
            root.add(os.path.realpath(file), file)
        for member in packed:
            content = packed.extractfile(member) if member.isreg() else None
            if member.islnk():
                member.linkname = f"{place}/{member.linkname}"
            member.name = f"{place}/{member.name}"
            root.addfile(member, content)


def _files() -> Iterator[str]:
    yield from _PROGRAMS
    needed = {line for program in _PROGRAMS for line in _linked(program)}
    directory = os.path.dirname(next(path for path in needed if "/libc.so" in path))
    named = (ctypes.util.find_library(name) for name in _LIBRARIES)
    yield from sorted(needed | {f"{directory}/{name}" for name in named if name})


def _linked(program: str) -> list[str]:
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return re.findall(r"(/\S+) \(0x", listed)
