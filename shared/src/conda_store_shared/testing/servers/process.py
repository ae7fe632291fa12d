"""One server program: its temporary directory, its log, and its life from start to the last child's end."""

import atexit
import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self, TypedDict

import psutil

LOG_TAIL = 3000
_MEMORY = Path("/dev/shm")
_PLENTY = 2 * 1024**3
CHILD_END_TIMEOUT = 20.0
# Seconds between two questions.
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.02, 0.2
# Reads until its parent is gone, however that ended, and then does what the parent can no longer do.
GUARD = 'read -r _; kill -s KILL -- "-$0"; sleep 1; rm -rf -- "$1"'


class Account(TypedDict, total=False):
    """Whom a child process runs as, in the words of subprocess; empty for ourselves."""

    user: str
    group: int
    extra_groups: list[str | int]


class ServerNotInstalled(Exception):
    """A program that the tests need is missing; the message says what to install."""

    def __init__(self, program: str, package: str, command: str = "make servers") -> None:
        super().__init__(f"{program} is missing: install {package}, or run `{command}` as root")


class ServerNotReady(Exception):
    """A server did not answer in time, or ended while starting; the message holds the end of its log."""


def find_program(program: str, package: str, *places: str) -> Path:
    """The program from `places` (glob patterns of absolute directories, last match first), else from PATH.

    Raises ServerNotInstalled, naming `package`, if it is nowhere.
    """
    for place in places:
        for folder in sorted(Path("/").glob(place.lstrip("/")), key=_by_version, reverse=True):
            if os.access(folder / program, os.X_OK):
                return folder / program
    found = shutil.which(program)
    if found is None:
        raise ServerNotInstalled(program, package)
    return Path(found)


def find_script(script: str, package: str) -> Path:
    """A command which a wheel put beside the running interpreter, else from PATH."""
    return find_program(script, package, str(Path(sys.prefix) / "bin"))


def _by_version(folder: Path) -> list[int]:
    return [int(part) for part in folder.parts if part.isdigit()]


def free_port() -> int:
    """A loopback TCP port that is kept for a server of ours: nobody else gets it by chance as long as we live."""
    reservation = socket.socket()
    # With this, as servers set it too, a socket that does not listen is in nobody's way but theirs who do not set it.
    reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reservation.bind(("127.0.0.1", 0))
    atexit.register(reservation.close)
    port: int = reservation.getsockname()[1]
    return port


def memory() -> Path | None:
    """A directory in memory, if there is one with plenty of room."""
    return _MEMORY if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _PLENTY else None


def wait_until(condition: Callable[[], bool], timeout: float) -> bool:
    """Poll `condition` for at most `timeout` seconds; the answer is whether it came true."""
    deadline = time.monotonic() + timeout
    while True:
        asked = time.monotonic()
        if condition():
            return True
        answered = time.monotonic()
        if answered > deadline:
            return False
        # Who asks what costs much takes the machine from those who are waited for.
        time.sleep(min(max(_SHORTEST_PAUSE, 4 * (answered - asked)), _LONGEST_PAUSE))


def accepts_connections(port: int) -> bool:
    """Whether something on this loopback port takes TCP connections."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def guard(group: int, directory: Path, script: str = GUARD) -> subprocess.Popen[bytes]:
    """A process that kills a process group and removes a directory should we end without doing so."""
    return subprocess.Popen(
        ["/bin/sh", "-c", script, str(group), directory],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def dismiss(guardian: subprocess.Popen[bytes] | None) -> None:
    """End a guard that is not needed any more."""
    if guardian is not None:
        guardian.kill()
        guardian.communicate(timeout=CHILD_END_TIMEOUT)


def _family(pid: int) -> list[psutil.Process]:
    """A process and all its descendants, the parent first; empty if it is gone."""
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _is_alive(member: psutil.Process) -> bool:
    """Whether it still runs; what only waits for its parent to notice its end does not."""
    try:
        return member.is_running() and member.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _send(member: psutil.Process, number: signal.Signals) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        member.send_signal(number)


class ServerProcess(ABC):
    """A server with a temporary directory; `with` starts it, and ends it by pid and removes the directory.

    Subclasses say what to run and when it is ready. All methods block, and may be called from any thread.
    """

    name: str
    stop_signal = signal.SIGTERM
    start_timeout = 120.0
    stop_timeout = 30.0
    guard_script = GUARD

    def __init__(self, *, user: str | None = None, place: Path | None = None) -> None:
        """`user` is the account to run as when we are root, for programs that refuse root; `place` is for its files."""
        self.user = user if user is not None and os.geteuid() == 0 else None
        self.directory = Path(tempfile.mkdtemp(prefix=f"conda-store-{self.name}-", dir=place))
        self.log = self.directory / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self.own(self.directory)
        atexit.register(self.discard)

    @abstractmethod
    def command(self) -> Sequence[str | Path]:
        """The command line; runs in the foreground and has no terminal."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether the server answers now; never raises."""

    def environment(self) -> Mapping[str, str]:
        """Variables on top of our own environment."""
        return {}

    def prepare(self) -> None:
        """Write files, make directories: called before every start, so it must bear repetition."""
        self.directory.mkdir(exist_ok=True)

    def is_running(self) -> bool:
        """Whether the process is there, stopped by a signal or not."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process id; raises ServerNotReady while the server is down."""
        if self._process is None:
            raise ServerNotReady(f"{self.name} is not running")
        return self._process.pid

    def start(self) -> None:
        """Start and wait until ready; raises ServerNotReady with the end of the log otherwise."""
        if self.is_running():
            return
        self.prepare()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(part) for part in self.command()],
                env={**os.environ, **self.environment()},
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **self.run_as(),
            )
        self._guard = guard(self._process.pid, self.directory, self.guard_script)
        wait_until(lambda: not self.is_running() or self.is_ready(), self.start_timeout)
        if not self.is_running() or not self.is_ready():
            problem = "did not answer" if self.is_running() else "ended while starting"
            self.kill()
            raise ServerNotReady(f"{self.name} {problem}\n{self.log_tail()}")

    def stop(self) -> None:
        """Ask it to stop, and wait for its last child; kill what is left after `stop_timeout` seconds."""
        self._end(self.stop_signal)

    def kill(self) -> None:
        """SIGKILL it and its children, and wait until none of them is left."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop in good order, then start on the same data and ports."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """SIGSTOP: connections stay open and nothing answers, once this returns."""
        self._signal_all(signal.SIGSTOP)
        stopped = wait_until(lambda: psutil.Process(self.pid).status() == psutil.STATUS_STOPPED, 10)
        if not stopped:
            raise ServerNotReady(f"{self.name} does not stop")

    def resume(self) -> None:
        """Undo `pause`."""
        self._signal_all(signal.SIGCONT)

    def discard(self) -> None:
        """Kill it and remove its directory, data and all."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)
        atexit.unregister(self.discard)

    def log_tail(self) -> str:
        """The last lines the server printed."""
        return self.log.read_text(errors="replace")[-LOG_TAIL:] if self.log.exists() else ""

    def own(self, path: Path) -> None:
        """Give a path to the account the server runs as."""
        if self.user is not None:
            account = pwd.getpwnam(self.user)
            os.chown(path, account.pw_uid, account.pw_gid)

    def run(self, *command: str | Path) -> str:
        """Run a tool of the server as its account, and return what it printed; raises ServerNotReady if it fails."""
        done = subprocess.run(
            [str(part) for part in command],
            env={**os.environ, **self.environment()},
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            **self.run_as(),
        )
        if done.returncode != 0:
            raise ServerNotReady(f"{command[0]} failed\n{done.stdout}{done.stderr}"[-LOG_TAIL:])
        return done.stdout

    def run_as(self) -> Account:
        """Arguments that make subprocess run a program as the server's account."""
        if self.user is None:
            return {}
        return {"user": self.user, "group": pwd.getpwnam(self.user).pw_gid, "extra_groups": []}

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        dismiss(self._guard)
        if process is None:
            return
        # Children may sit in sessions of their own, as those of PostgreSQL do: note them while they have their parent.
        family = _family(process.pid)
        for member in family if number == signal.SIGKILL else family[:1]:
            _send(member, number)
            _send(member, signal.SIGCONT)
        if not wait_until(lambda: not any(map(_is_alive, family)), self.stop_timeout):
            for member in family:
                _send(member, signal.SIGKILL)
            wait_until(lambda: not any(map(_is_alive, family)), CHILD_END_TIMEOUT)
        process.wait(timeout=CHILD_END_TIMEOUT)

    def _signal_all(self, number: signal.Signals) -> None:
        for member in _family(self.pid):
            _send(member, number)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.discard()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        self.discard()
