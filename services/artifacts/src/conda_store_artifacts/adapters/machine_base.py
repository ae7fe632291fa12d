"""What of this machine an image needs to run anything at all: glibc and a shell."""

import os
import re
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

from conda_store_artifacts.domain.image_files import ImageFile, base_files
from conda_store_artifacts.domain.image_platform import ImagePlatform
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure

_SHELLS = ("/bin/dash", "/bin/sh", "/bin/bash")
_ENV = "/usr/bin/env"
# What packages of conda expect of every machine; newer ones hold nothing but are still asked for.
_LIBRARIES = (
    "libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libresolv.so.2", "libutil.so.1",
    "libnss_files.so.2", "libnss_dns.so.2", "libanl.so.1", "libnsl.so.1", "libmvec.so.1",
)  # fmt: skip
_OPTIONAL = frozenset(_LIBRARIES[6:])
_LISTED = re.compile(r"(?P<path>/\S+) \(0x")
_INTERPRETER = 3
# Machines that conda has another name for.
_CONDA_NAMES = {"x86_64": "64", "i686": "32", "i586": "32"}


def machine_platform() -> ImagePlatform | None:
    """What the base is for; None for a machine that is no Linux that images know."""
    system, machine = os.uname().sysname.lower(), os.uname().machine
    return ImagePlatform.of(f"{system}-{_CONDA_NAMES.get(machine, machine)}")


def find_base() -> tuple[ImageFile, ...]:
    """Return the files of the base; raises StageFailure("image_not_possible") on a machine without glibc."""
    shell = next((path for path in _SHELLS if os.access(path, os.X_OK)), None)
    loader = _loader_of(Path(shell)) if shell else None
    if shell is None or loader is None:
        raise _not_here("it has no shell that is linked to a C library")
    linked = {path for program in (shell, _ENV) for path in _linked(loader, program)}
    directory = next((os.path.dirname(path) for path in linked if os.path.basename(path) == "libc.so.6"), None)
    if directory is None:
        raise _not_here("its C library is not glibc")
    wanted = {path for path in linked if path != loader}
    for name in _LIBRARIES:
        path = f"{directory}/{name}"
        if os.path.exists(path):
            wanted.add(path)
        elif name not in _OPTIONAL:
            raise _not_here(f"{path} is missing")
    libraries = {path: os.path.realpath(path) for path in (loader, *sorted(wanted))}
    return base_files(libraries, {"/bin/sh": os.path.realpath(shell), _ENV: os.path.realpath(_ENV)})


def _linked(loader: str, program: str) -> Iterator[str]:
    """The libraries of a program, by what would load them."""
    listed = subprocess.run(  # noqa: S603 - programs of the system
        [loader, "--list", program], capture_output=True, text=True, check=False, timeout=30
    ).stdout
    yield from (found["path"] for found in _LISTED.finditer(listed))


def _loader_of(program: Path) -> str | None:
    """The interpreter that an ELF program of 64 bits names; None when it is none, or names none."""
    content = program.read_bytes()
    if content[:5] != b"\x7fELF\x02" or content[5] != 1:
        return None
    offset, size, count = struct.unpack_from("<Q", content, 32)[0], *struct.unpack_from("<HH", content, 54)
    for number in range(count):
        kind, _, start, _, _, length = struct.unpack_from("<IIQQQQ", content, offset + number * size)
        if kind == _INTERPRETER:
            return content[start : start + length].rstrip(b"\x00").decode()
    return None


def _not_here(reason: str) -> StageFailure:
    detail = (
        f"this machine has no base for images: {reason}; set CondaStore.default_docker_base_image to an image that "
        "has glibc and a shell"
    )
    return StageFailure(FailureCode.IMAGE_NOT_POSSIBLE, detail)
