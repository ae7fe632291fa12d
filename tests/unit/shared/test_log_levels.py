"""How much a process logs: servers and workers have a level each (contract §5.4, §5.5)."""

import subprocess
import sys

import pytest
from traitlets.config import Config

from conda_store_shared.assembly.process import wanted_level
from conda_store_shared.errors import ConfigurationError

WORKING = ("solver", "builder", "artifacts", "conda-store-worker")
SERVING = ("api", "auth", "conda-store-server")
# A process that says one thing at each level, and ends.
PROGRAM = """
import sys
import structlog
from conda_store_shared.assembly.process import execute
from conda_store_shared.config.command_line import parser
from conda_store_shared.config.load import load_config

async def run(config):
    for level in ("debug", "info", "warning", "error"):
        getattr(structlog.get_logger(), level)(level)

arguments, overrides = parser("program", "", "conda-store-shared").parse_known_args(sys.argv[2:])
execute(sys.argv[1], arguments, lambda: load_config(arguments, overrides), run)
"""


def logged(name: str, *options: str) -> list[str]:
    """The levels at which a process of this name and these options logs."""
    command = [sys.executable, "-c", PROGRAM, name, *options]
    told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stderr
    return [level for level in ("debug", "info", "warning", "error") if f'"event": "{level}"' in told]


@pytest.mark.parametrize("name", [*WORKING, *SERVING])
def test_process_has_the_level_of_its_kind(name: str) -> None:
    config = Config({"CondaStoreServer": {"log_level": 30}, "CondaStoreWorker": {"log_level": "DEBUG"}})
    assert wanted_level(name, config) == (10 if name in WORKING else 30)
    assert wanted_level(name, Config()) == 20


def test_level_of_workers_is_refused_when_unknown() -> None:
    with pytest.raises(ConfigurationError, match="'loud' is not known"):
        wanted_level("builder", Config({"CondaStoreWorker": {"log_level": "loud"}}))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("level", "shown"), [("30", ["warning", "error"]), ("debug", ["debug", "info", "warning", "error"])]
)
def test_worker_logs_what_its_own_level_says(level: str, shown: list[str]) -> None:
    assert logged("builder", f"--CondaStoreWorker.log_level={level}", "--CondaStoreServer.log_level=ERROR") == shown


@pytest.mark.slow
def test_server_logs_what_its_own_level_says() -> None:
    options = ("--CondaStoreServer.log_level=ERROR", "--CondaStoreWorker.log_level=DEBUG")
    assert logged("conda-store-server", *options) == ["error"]
