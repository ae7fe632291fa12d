"""Servers as processes of the demo, and ports for them."""

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from conda_store_standalone.demo.failure import DemoFailed

LOOPBACK = "127.0.0.1"
_SECONDS_TO_STOP = 15.0
_LINES_SHOWN = 15


class ServerProcess:
    """A process that writes what it says to ``log``."""

    def __init__(self, process: subprocess.Popen[bytes], name: str, log: Path) -> None:
        self._process = process
        self.name = name
        self.log = log

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def check(self) -> None:
        """Raise DemoFailed, with the process's last words, if it has ended."""
        status = self._process.poll()
        if status is not None:
            words = "\n".join(self.log.read_text(errors="replace").splitlines()[-_LINES_SHOWN:])
            raise DemoFailed(f"{self.name} ended with status {status}; its last words, from {self.log}:\n{words}")

    def begin_stop(self) -> None:
        """Ask the process to end, and do not wait."""
        if self._process.poll() is None:
            self._process.terminate()

    def stop(self) -> None:
        """Ask the process to end, and wait; end its whole group when it does not."""
        self.begin_stop()
        try:
            self._process.wait(_SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


Start = Callable[[str, list[str], Path], ServerProcess]


@contextmanager
def started_processes() -> Iterator[Start]:
    """Hand out a function that starts a process; all of them are stopped at the end, the youngest first."""
    started: list[ServerProcess] = []

    def start(name: str, command: list[str], log: Path) -> ServerProcess:
        with log.open("wb") as output:
            # A session of its own: Ctrl-C is for the demo, which then stops what it started in order.
            process = subprocess.Popen(  # noqa: S603 - our own commands
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
        started.append(ServerProcess(process, name, log))
        return started[-1]

    try:
        yield start
    finally:
        for process in reversed(started):
            process.begin_stop()
        for process in reversed(started):
            process.stop()


def free_port(preferred: int) -> int:
    """``preferred`` if nothing listens there, else some free port of the loopback interface."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            # As servers do: connections of an earlier run that are still fading away are no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise DemoFailed(f"no free port on {LOOPBACK}")
