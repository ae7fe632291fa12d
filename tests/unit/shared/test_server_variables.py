"""The command that runs others with the servers of the tests."""

import sys
from pathlib import Path

from conda_store_shared.testing.servers.__main__ import run

PROGRAM = "import os, pathlib, sys; pathlib.Path(sys.argv[1]).write_text(os.environ['TEST_S3_URL']); sys.exit(3)"


def test_command_finds_its_servers_and_its_status_is_passed_on(tmp_path: Path) -> None:
    told = tmp_path / "told"
    assert run([sys.executable, "-c", PROGRAM, str(told)], {"TEST_S3_URL": "http://127.0.0.1:1"}) == 3
    assert told.read_text() == "http://127.0.0.1:1"
