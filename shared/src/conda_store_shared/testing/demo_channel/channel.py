"""Where the demo channel is kept: built when it is missing or its inputs changed, and then only looked up."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from conda_store_shared.testing.demo_channel.interpreter import DemoChannelFailed, Interpreter, describe_interpreter
from conda_store_shared.testing.demo_channel.wheels import PackageSet

# Modules that do not bear on what is written.
NOT_THE_WRITER = frozenset({"__init__.py", "__main__.py", "channel.py", "fixtures.py", "server.py"})
DESCRIPTION = "demo-channel.json"
STAGING_PREFIX = ".building-"
KEPT_FOR = 14 * 24 * 3600.0  # seconds since a channel was last asked for
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoChannel:
    """A whole channel on disk.  ``is_new`` says that this call built it; ``size`` is in bytes of packages."""

    path: Path
    key: str
    python_version: str
    package_count: int
    size: int
    is_new: bool

    @property
    def url(self) -> str:
        """The channel as a ``file://`` URL."""
        return self.path.as_uri()


def default_directory() -> Path:
    """Where channels are kept unless told otherwise: below the user's cache directory."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "conda-store" / "demo-channel"


def build_demo_channel(
    directory: Path | None = None,
    *,
    packages: str = PackageSet.FULL,
    interpreter: Path | None = None,
    report: Report | None = None,
) -> DemoChannel:
    """The channel for ``interpreter`` (the running one by default), kept in ``directory``; built if it is not there.

    Without ``directory`` it is kept in the user's cache directory, for all runs together.
    Blocks: seconds for a build, about a tenth of a second after that.  Processes that ask at once build it once.
    ``packages`` is ``full`` or ``small``; ``report`` is told the progress, line by line.
    Raises DemoChannelFailed when it cannot be built here.
    """
    package_set = PackageSet(packages)
    described = describe_interpreter(interpreter or Path(sys.executable))
    key = channel_key(described, package_set)
    directory = (directory or default_directory()).resolve()
    channel = directory / key
    found = _read(channel, is_new=False)
    if found is not None:
        return found
    directory.mkdir(parents=True, exist_ok=True)
    with _exclusive(directory / ".lock"):
        found = _read(channel, is_new=False)
        if found is not None:
            return found
        _remove_remains(directory, channel)
        _build(channel, described, package_set, report or _ignore)
    found = _read(channel, is_new=True)
    if found is None:
        raise DemoChannelFailed(f"{channel} vanished while it was built; is somebody emptying {directory}?")
    return found


def channel_key(interpreter: Interpreter, package_set: PackageSet) -> str:
    """Names a channel by its inputs: interpreter and host libraries, pinned wheels, the writer's own source."""
    modules = sorted(Path(__file__).parent.glob("*.py"))
    sources = [module for module in modules if module.name not in NOT_THE_WRITER]
    digest = hashlib.sha256(interpreter.identity.encode())
    for file in (package_set.requirements, *sources):
        digest.update(file.read_bytes())
    return f"{package_set.value}-py{interpreter.minor}-{digest.hexdigest()[:16]}"


def _read(channel: Path, *, is_new: bool) -> DemoChannel | None:
    try:
        description = json.loads((channel / DESCRIPTION).read_text())
        os.utime(channel / DESCRIPTION)
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return DemoChannel(
        path=channel,
        key=description["key"],
        python_version=description["python"],
        package_count=description["packages"],
        size=description["bytes"],
        is_new=is_new,
    )


def _build(channel: Path, interpreter: Interpreter, package_set: PackageSet, report: Report) -> None:
    staging = channel.with_name(f"{STAGING_PREFIX}{uuid.uuid4().hex}")
    (staging / "channel").mkdir(parents=True)
    report(f"demo channel: building from CPython {interpreter.version} at {interpreter.executable}")
    command = [
        sys.executable, "-m", "conda_store_shared.testing.demo_channel.build",
        "--channel", os.fspath(staging / "channel"), "--interpreter", os.fspath(interpreter.executable),
        "--packages", package_set.value, "--key", channel.name,
    ]  # fmt: skip
    try:
        _run(command, report)
        os.rename(staging / "channel", channel)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _run(command: list[str], report: Report) -> None:
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as builder:
        assert builder.stdout is not None
        assert builder.stderr is not None
        for line in builder.stdout:
            report(line.rstrip())
        complaint = builder.stderr.read().strip()
    if builder.returncode != 0:
        raise DemoChannelFailed(complaint or f"the builder of the demo channel ended with status {builder.returncode}")


def _remove_remains(directory: Path, channel: Path) -> None:
    """Remove what killed builds left and what nobody asked for of late; to be called under the lock."""
    oldest = time.time() - KEPT_FOR
    forgotten = [file.parent for file in directory.glob(f"*/{DESCRIPTION}") if file.stat().st_mtime < oldest]
    for remains in (*directory.glob(f"{STAGING_PREFIX}*"), *forgotten, channel):
        if remains.exists():
            shutil.rmtree(remains)


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _ignore(_line: str) -> None:
    """Tell nobody."""
