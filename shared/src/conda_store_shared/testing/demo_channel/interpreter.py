"""The interpreter that becomes the channel's ``python`` package."""

import hashlib
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conda_store_shared.errors import CondaStoreError

SUBDIRS = {"x86_64": "linux-64", "aarch64": "linux-aarch64"}
PROBE = Path(__file__).with_name("interpreter_probe.py")
PROBE_TIMEOUT = 60.0


class DemoChannelFailed(CondaStoreError):
    """Raised when the demo channel cannot be built on this machine; the message says what to install or change."""

    code = "demo_channel_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """A CPython installation: where its parts are, and the host libraries it loads."""

    version: str
    build: str
    executable: Path
    prefix: Path
    stdlib: Path
    subdir: str
    extensions: tuple[Path, ...]
    libraries: tuple[Path, ...]
    runtime_libraries: tuple[Path, ...]
    uses_dist_packages: bool

    @property
    def minor(self) -> str:
        """``3.11`` of ``3.11.7``."""
        return ".".join(self.version.split(".")[:2])

    @property
    def identity(self) -> str:
        """Digest that changes when the interpreter or a library it loads is replaced."""
        files = (self.executable, self.stdlib / "os.py", *self.extensions, *self.libraries, *self.runtime_libraries)
        lines = [self.build, *(f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files)]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def describe_interpreter(executable: Path) -> Interpreter:
    """The base interpreter of ``executable``, which may be a virtual environment's.

    Raises DemoChannelFailed when it is no CPython on 64-bit Linux, or does not run.
    """
    found = _probe(executable)
    if found["executable"] != os.path.realpath(executable):
        found = _probe(Path(found["executable"]))
    if found["implementation"] != "cpython" or found["machine"] not in SUBDIRS:
        raise DemoChannelFailed(
            f"{executable} is {found['implementation']} on {found['machine']}; the demo channel needs CPython on "
            f"{' or '.join(SUBDIRS)} Linux"
        )
    return Interpreter(
        version=found["version"],
        build=found["build"],
        executable=Path(found["executable"]),
        prefix=Path(found["prefix"]),
        stdlib=Path(found["stdlib"]),
        subdir=SUBDIRS[found["machine"]],
        extensions=tuple(Path(path) for path in found["extensions"]),
        libraries=tuple(Path(path) for path in found["libraries"]),
        runtime_libraries=tuple(Path(path) for path in found["runtime_libraries"]),
        uses_dist_packages=found["uses_dist_packages"],
    )


def _probe(executable: Path) -> dict[str, Any]:
    command = [os.fspath(executable), "-I", "-S", os.fspath(PROBE)]
    try:
        answer = subprocess.run(command, capture_output=True, check=True, text=True, timeout=PROBE_TIMEOUT)
    except FileNotFoundError as error:
        raise DemoChannelFailed(f"no interpreter at {executable}; install it, or name another one") from error
    except subprocess.SubprocessError as error:
        detail = getattr(error, "stderr", None) or error
        raise DemoChannelFailed(f"{executable} cannot be examined: {detail}") from error
    found: dict[str, Any] = json.loads(answer.stdout)
    return found
