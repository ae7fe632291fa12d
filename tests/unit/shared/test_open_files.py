"""How many connections a server may have."""

import subprocess
import sys

import pytest

_SHOWS = """
import resource
from conda_store_shared.assembly.open_files import allow_many_open_files
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
allow_many_open_files()
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.slow  # another process: a limit that was lowered cannot be raised again
@pytest.mark.parametrize(("soft", "hard", "left"), [(256, 512, "512 512"), (300, 300, "300 300")])
def test_server_may_open_as_many_files_as_the_system_lets_it(soft: int, hard: int, left: str) -> None:
    program = _SHOWS.format(soft=soft, hard=hard)
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == left
