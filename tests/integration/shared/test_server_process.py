"""What every server of the tests has in common: it ends with whoever started it."""

import subprocess
import sys
from pathlib import Path

from conda_store_shared.testing.servers.process import wait_until

START_AND_SHOW = """
import sys, time
from conda_store_shared.testing.servers import Postgres
with Postgres() as postgres:
    print(postgres.pid, postgres.directory, flush=True)
    time.sleep(60)
"""


def is_there(pid: int) -> bool:
    """Whether a process runs under this number; one that only waits to be noticed does not."""
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


def test_server_and_its_directory_are_gone_when_the_tests_were_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", START_AND_SHOW], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        pid, directory = run.stdout.readline().split()
        assert is_there(int(pid))
        assert (Path(directory) / "data").is_dir()
        run.kill()
    assert wait_until(lambda: not is_there(int(pid)), 10)
    assert wait_until(lambda: not Path(directory).exists(), 10)
