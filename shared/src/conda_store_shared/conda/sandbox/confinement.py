"""The service's side of the sandbox: whether it is permitted, and commands that run in it."""

import json
import os
import shlex
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from conda_store_shared.child.report import Report
from conda_store_shared.conda.ownership import give_away, remove_tree
from conda_store_shared.conda.sandbox.stage import NOT_STARTED
from conda_store_shared.conda.spoken_process import Ended, run_spoken
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import ConfigurationError, StageFailure

AUTO, REQUIRED, OFF = "auto", "required", "off"
# Whoever is nobody: root's sandboxes run as this user, who owns nothing elsewhere.
_NOBODY = 65534
_INHERITED = ("LANG", "LC_ALL", "LC_CTYPE", "TZ")
_LOADER = ("LD_LIBRARY_PATH",)
_HOME = "/tmp"  # noqa: S108 - the private one
_STAGE = (sys.executable, "-E", "-s", "-P", "-m", "conda_store_shared.conda.sandbox.stage")
_READY = "ready"
_STANDARD_ERROR = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one command may use: seconds of processor and bytes of memory of each process, bytes of each file."""

    cpu_seconds: int = 1200
    memory_bytes: int | None = None
    file_bytes: int = 16 * 1024**3
    processes: int = 1024

    def as_resources(self) -> dict[str, int]:
        """By the names of module ``resource``."""
        limits = {
            "RLIMIT_CPU": self.cpu_seconds, "RLIMIT_FSIZE": self.file_bytes, "RLIMIT_NPROC": self.processes,
            "RLIMIT_NOFILE": 4096, "RLIMIT_CORE": 0, "RLIMIT_MEMLOCK": 64 * 1024,
        }  # fmt: skip
        return limits | ({} if self.memory_bytes is None else {"RLIMIT_DATA": self.memory_bytes})


@dataclass(frozen=True, slots=True, kw_only=True)
class Confinement:
    """Whether code of packages is confined: ``auto`` (where that is permitted), ``required`` or ``off``.

    ``hidden`` are directories it does not see even where they are among the system's.
    """

    mode: str = AUTO
    hidden: tuple[Path, ...] = ()
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """Where code of packages runs: it sees ``prefix`` and ``readable``, and writes to the former if it ``changes``.

    A prefix that is changed must have no file in common with the package cache.  ``covered`` are directories of the
    prefix that are not seen.
    """

    prefix: Path
    changes: bool = False
    readable: tuple[Path, ...] = ()
    covered: tuple[Path, ...] = ()


class Sandbox(Protocol):
    """Runs commands in one workplace; ``is_confined`` tells whether they are kept in it.

    ``scratch`` is a directory for temporary files, of which the commands know as ``home``.
    """

    is_confined: bool
    scratch: Path
    home: str

    def run(self, command: Sequence[str], environment: Mapping[str, str], directory: str, report: Report) -> Ended:
        """Run ``command`` with ``environment`` and nothing of the service's own; raises StageFailure, OSError."""
        ...

    def wrapper(self, program: Path, directory: Path, asked_from: Path) -> Path:
        """A program that stands for ``program``, made in ``directory``; see ``stage`` for ``asked_from``."""
        ...


def check_sandbox(mode: str) -> str | None:
    """Return what keeps mode ``auto`` from confining; raises ConfigurationError where that is not to be."""
    missing = None if mode == OFF else why_not()
    if missing is not None and mode == REQUIRED:
        raise ConfigurationError(
            f'CondaStoreWorker.sandbox = "required": code of packages cannot be confined here: {missing}; permit '
            "namespaces of users (in a container, by a seccomp profile that allows unshare, mount, umount2, pivot_root "
            'and mount_setattr; see docs/how-to/confine-packages.md), or set it to "auto" or "off"'
        )
    return missing


@contextmanager
def open_sandbox(confinement: Confinement, place: Workplace, report: Report) -> Iterator[Sandbox]:
    """Enter a workplace; its files are the service's own again at the end.  Raises StageFailure."""
    missing = "it is switched off" if confinement.mode == OFF else why_not()
    if missing is not None and confinement.mode == REQUIRED:
        raise StageFailure(FailureCode.INTERNAL_ERROR, f"code of packages cannot be confined here: {missing}")
    scratch = Path(tempfile.mkdtemp(prefix=".scratch-", dir=place.prefix))
    try:
        if missing is not None:
            report.log(f"code of packages runs without a sandbox: {missing}")
            yield _Open(scratch)
        else:
            report.log("code of packages runs in a sandbox: no network, and nothing in sight but this environment")
            with _given(place, scratch) as identity:
                yield _Confined(confinement, place, scratch, identity)
    finally:
        remove_tree(scratch)


@cache
def why_not() -> str | None:
    """What keeps this process from confining code; None when nothing does.  Tried once, by doing it."""
    if sys.platform != "linux":
        return "there are namespaces on Linux alone"
    words = _Words()
    with tempfile.TemporaryDirectory(prefix="conda-store-") as directory:
        place = Workplace(prefix=Path(directory))
        place.prefix.chmod(0o755)
        sandbox = _Confined(Confinement(), place, place.prefix, _identity(place))
        try:
            ended = sandbox.run(("/bin/sh", "-c", f"echo {_READY}"), {}, "/", words)
        except StageFailure as failure:
            return failure.detail
    return None if ended.status == 0 and _READY in words.text else f"a first command failed: {words.text.strip()}"


@contextmanager
def _given(place: Workplace, scratch: Path) -> Iterator[tuple[int, int]]:
    """Let the sandbox's user own what it may write to, for as long as this is entered."""
    identity, own = _identity(place), (os.geteuid(), os.getegid())
    changed = place.prefix if place.changes else scratch
    try:
        os.chown(scratch, *identity)
    except OSError:
        # On some network disks root gives nothing away: then it is root inside, without any of root's rights.
        identity = own
    if identity != own:
        give_away(changed, *identity)
    try:
        yield identity
    finally:
        if identity != own and place.changes:
            give_away(changed, *own)


def _identity(place: Workplace) -> tuple[int, int]:
    """Who a sandbox's command is, seen from outside: the service's user, or nobody when that is root."""
    if os.geteuid() != 0 or not _knows_nobody():
        return os.geteuid(), os.getegid()
    python = place.prefix / "bin" / "python"
    if place.changes or not python.exists():
        return _NOBODY, _NOBODY
    # What is only read stays whose it is, and is read by nobody else where its mode says so.
    status = python.stat()
    if status.st_uid == 0 and status.st_mode & stat.S_IROTH:
        return _NOBODY, _NOBODY
    return status.st_uid, status.st_gid


@cache
def _knows_nobody() -> bool:
    """Whether there is such a user here: a container may have no more than one."""
    for name in ("uid_map", "gid_map"):
        ranges = [tuple(map(int, line.split())) for line in Path("/proc/self", name).read_text().splitlines()]
        if not any(first <= _NOBODY < first + count for first, _, count in ranges):
            return False
    return True


class _Open:
    is_confined = False

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.home = str(scratch)

    def run(self, command: Sequence[str], environment: Mapping[str, str], directory: str, report: Report) -> Ended:
        return run_spoken(command, _inherited(self.home) | dict(environment), Path(directory), report)

    def wrapper(self, program: Path, directory: Path, asked_from: Path) -> Path:
        return program


class _Confined:
    is_confined = True
    home = _HOME

    def __init__(
        self, confinement: Confinement, place: Workplace, scratch: Path, identity: tuple[int, int]
    ) -> None:
        self.scratch = scratch
        self._confinement = confinement
        self._place = place
        self._identity = identity

    def run(self, command: Sequence[str], environment: Mapping[str, str], directory: str, report: Report) -> Ended:
        read, write = os.pipe()
        with os.fdopen(read, "rb") as failures, tempfile.TemporaryFile() as file:
            try:
                plan = self._plan(command) | {
                    "environment": _inherited(self.home) | dict(environment),
                    "directory": directory,
                    "failures": write,
                }
                file.write(json.dumps(plan).encode())
                file.seek(0)
                stage = (*_STAGE, str(file.fileno()))
                ended = run_spoken(stage, _for_our_python(), Path("/"), report, (file.fileno(), write))
            finally:
                os.close(write)
            failure = failures.read().decode(errors="replace")
        if ended.status == NOT_STARTED and failure:
            raise StageFailure(FailureCode.INTERNAL_ERROR, f"the sandbox could not be set up: {failure}")
        return ended

    def wrapper(self, program: Path, directory: Path, asked_from: Path) -> Path:
        plan, script = directory / "plan.json", directory / program.name
        plan.write_text(json.dumps(self._plan((str(program),)) | {"asked_from": os.path.realpath(asked_from)}))
        settings = [f"{name}={value}" for name, value in _for_our_python().items()]
        script.write_text(f'#!/bin/sh\nexec {shlex.join(("env", *settings, *_STAGE, str(plan)))} "$@"\n')
        script.chmod(0o700)
        return script

    def _plan(self, command: Sequence[str]) -> dict[str, Any]:
        place = self._place
        prefix = (os.path.realpath(place.prefix), str(place.prefix))
        return {
            "command": list(command),
            "environment": _inherited(self.home),
            "directory": "/",
            "home": self.home,
            "uid": self._identity[0],
            "gid": self._identity[1],
            "scratch": os.path.realpath(self.scratch),
            "writable": [prefix] if place.changes else [],
            "readable": [
                *([] if place.changes else [prefix]),
                *((os.path.realpath(path), str(path)) for path in place.readable),
            ],
            "hidden": [str(path) for path in (place.prefix.parent, *self._confinement.hidden)],
            "limits": self._confinement.limits.as_resources(),
            "covered": [str(path) for path in place.covered],
            "failures": _STANDARD_ERROR,
        }


class _Words:
    """A report that keeps what is said."""

    def __init__(self) -> None:
        self.text = ""

    def log(self, text: str) -> None:
        self.text += f"{text}\n"

    def progress(self, done: int, total: int, unit: str) -> None:
        pass


def _for_our_python() -> dict[str, str]:
    """What our own interpreter may need to start, and packages' code does not get."""
    return {name: value for name in _LOADER if (value := os.environ.get(name))}


def _inherited(home: str) -> dict[str, str]:
    words = {name: value for name in _INHERITED if (value := os.environ.get(name))}
    return words | {"HOME": home, "TMPDIR": home}
