"""The command `conda-store` in the hands of a person."""

import json
import os
import select
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

COMMAND = Path(sys.executable).with_name("conda-store")
PASSWORD = {"CONDA_STORE_AUTH": "basic", "CONDA_STORE_USERNAME": "carol", "CONDA_STORE_PASSWORD": "password"}
# Keys that interrupt reach those only whose terminal it is.
_ON_ITS_OWN_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


class CommandLine:
    """A person with a terminal: calls the command in a directory of their own, with their own temporary files."""

    def __init__(self, url: str, channel: str, directory: Path) -> None:
        self.url = url
        self.channel = channel
        self.directory = directory

    def __call__(
        self, *arguments: str, status: int = 0, timeout: float = 60, variables: Mapping[str, str] = PASSWORD
    ) -> subprocess.CompletedProcess[str]:
        """Call the command; it is to end with this status, and never with a traceback."""
        return self.execute(COMMAND, *arguments, status=status, timeout=timeout, variables=variables)

    def execute(
        self,
        program: Path,
        *arguments: str,
        status: int = 0,
        timeout: float = 60,
        variables: Mapping[str, str] = PASSWORD,
    ) -> subprocess.CompletedProcess[str]:
        """Call a program that calls the command."""
        done = subprocess.run(
            [program, *arguments],
            cwd=self.directory,
            env=self._environment(variables),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert done.returncode == status, done.stderr
        assert "Traceback" not in done.stderr
        return done

    @contextmanager
    def running(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Call the command in the background, for as long as the block lasts at most."""
        with subprocess.Popen(
            [COMMAND, *arguments],
            cwd=self.directory,
            env=self._environment(PASSWORD),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def _environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        own = {
            "CONDA_STORE_URL": self.url,
            "TMPDIR": str(self.directory),
            "XDG_CONFIG_HOME": str(self.directory / "config"),
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "TERM": "xterm",
        }
        return {**own, **variables}

    @contextmanager
    def on_terminal(self, *arguments: str, status: int = 0) -> Iterator["Terminal"]:
        """Call the command on a terminal, without variables to log in by; it is to end with this status."""
        ours, its = os.openpty()
        process = subprocess.Popen(
            [sys.executable, "-c", _ON_ITS_OWN_TERMINAL, COMMAND, *arguments],
            cwd=self.directory,
            env=self._environment({"COLUMNS": "120"}),
            stdin=its,
            stdout=its,
            stderr=its,
            start_new_session=True,
        )
        os.close(its)
        terminal = Terminal(ours)
        try:
            yield terminal
            terminal.read_to_the_end()
            assert process.wait(timeout=30) == status, terminal.shown
            assert "Traceback" not in terminal.shown
        finally:
            process.kill()
            process.wait()
            os.close(ours)

    def specification(self, dependencies: Sequence[str], name: str | None = None, **rest: object) -> str:
        """Write a specification; return the path of its file."""
        fields = {"name": name or f"client-{uuid.uuid4().hex[:8]}", "channels": [self.channel]}
        path = self.directory / f"{fields['name']}.yaml"
        path.write_text(json.dumps({**fields, "dependencies": list(dependencies), **rest}))
        return str(path)

    def create(self, *dependencies: str) -> str:
        """Have an environment built without watching; return the id of its build."""
        return self("create", self.specification(dependencies), "--no-wait").stdout.strip()


class Terminal:
    """What a command shows on its terminal, and the keys that are pressed there."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.shown = ""

    def wait_for(self, text: str, timeout: float = 30) -> None:
        """Wait until a text is shown."""
        deadline = time.monotonic() + timeout
        while text not in self.shown:
            assert self._read(deadline), f"{text!r} does not come after {self.shown!r}"

    def read_to_the_end(self, timeout: float = 30) -> None:
        """Wait until nothing more will be shown."""
        deadline = time.monotonic() + timeout
        while self._read(deadline):
            pass

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._descriptor, keys.encode())

    def _read(self, deadline: float) -> bool:
        """Read what is shown next; return whether there was anything before the end."""
        ready, _, _ = select.select([self._descriptor], [], [], max(deadline - time.monotonic(), 0))
        assert ready, f"nothing comes after {self.shown!r}"
        try:
            piece = os.read(self._descriptor, 4096)
        except OSError:
            # The way in which Linux tells that nobody holds the other end any more.
            return False
        self.shown += piece.decode(errors="replace")
        return bool(piece)
