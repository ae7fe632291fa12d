"""How much is worked on at once, as the configuration says (contract §5.5)."""

import os
from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from conda_store_api.config import read_options as read_api_options
from conda_store_api.main import Parts
from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.config.command_line import parser
from conda_store_shared.config.load import load_config
from conda_store_shared.contracts.events import ArtifactRequested, PrefixRequested, SolveRequested
from conda_store_shared.contracts.topology import ARTIFACTS, BUILDER, SOLVER, queue_name
from conda_store_shared.db.engine import Database
from conda_store_shared.errors import ConfigurationError
from conda_store_shared.storage.filesystem import FilesystemStore
from conda_store_standalone.composition import working

WORK = {
    queue_name(SOLVER, SolveRequested),
    queue_name(BUILDER, PrefixRequested),
    queue_name(ARTIFACTS, ArtifactRequested),
}


def configured(directory: Path, **worker: Any) -> Config:
    """The configuration of workers that keep what they make in a directory."""
    places = {"store_directory": str(directory / "state")}
    return Config({"CondaStore": places, "CondaStoreWorker": {"cache_directory": str(directory / "cache"), **worker}})


@pytest.mark.parametrize(("set_to", "at_once"), [(3, 3), (1, 1), (None, os.cpu_count()), (0, os.cpu_count())])
def test_workers_take_as_many_requests_at_once(tmp_path: Path, set_to: int | None, at_once: int) -> None:
    database = Database(f"sqlite:///{tmp_path / 'unused.sqlite'}")
    parts = Parts(bus=MemoryBus(), store=FilesystemStore(tmp_path / "objects"), database=database)
    services = working(configured(tmp_path, concurrency=set_to), parts)
    taken = {each.queue: each.concurrency for service in services for each in service.subscriptions}
    assert {queue: taken[queue] for queue in WORK} == dict.fromkeys(WORK, at_once)


def test_twice_as_many_builds_are_released_as_are_worked_on(tmp_path: Path) -> None:
    assert read_api_options(configured(tmp_path, concurrency=3)).ledger.capacity == 6
    config = configured(tmp_path, concurrency=3)
    config.Ledger.capacity = 50
    assert read_api_options(config).ledger.capacity == 50


def test_fewer_than_none_are_refused() -> None:
    made = parser("conda-store-worker", "", "conda-store-standalone")
    arguments, overrides = made.parse_known_args(["--CondaStoreWorker.concurrency=-1"])
    with pytest.raises(ConfigurationError, match="concurrency"):
        load_config(arguments, overrides)
