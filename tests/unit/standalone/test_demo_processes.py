"""Processes of the demo: they end with it, and tell why they ended."""

import os
import socket
import sys
from pathlib import Path

import pytest

from conda_store_standalone.demo.failure import DemoFailed
from conda_store_standalone.demo.processes import free_port, started_processes

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_process_is_ended_when_the_demo_fails(tmp_path: Path) -> None:
    pids: list[int] = []

    def fail_after_start() -> None:
        with started_processes() as start:
            pids.append(start("a server", SLEEP, tmp_path / "log").pid)
            raise DemoFailed("something else")

    with pytest.raises(DemoFailed, match="something else"):
        fail_after_start()
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def test_process_tells_its_last_words_when_it_ended(tmp_path: Path) -> None:
    with started_processes() as start:
        process = start("a server", [sys.executable, "-c", "raise SystemExit('no such thing')"], tmp_path / "log")
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(DemoFailed, match=r"a server ended with status 1(.|\n)*no such thing"):
            process.check()


def test_process_that_runs_has_nothing_to_tell(tmp_path: Path) -> None:
    with started_processes() as start:
        start("a server", SLEEP, tmp_path / "log").check()


def test_port_is_another_one_when_the_preferred_one_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port(port) != port
    assert free_port(port) == port
