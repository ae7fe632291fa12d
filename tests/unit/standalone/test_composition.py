"""What the commands that compose services make of a configuration (contract §5.5)."""

import os
from pathlib import Path

import pytest
from traitlets.config import Config

from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.contracts.events import ArtifactRequested, PrefixRequested, SolveRequested
from conda_store_shared.contracts.topology import ARTIFACTS, BUILDER, SOLVER, queue_name
from conda_store_shared.storage.filesystem import FilesystemStore
from conda_store_standalone.composition import working

QUEUES = [
    queue_name(SOLVER, SolveRequested),
    queue_name(BUILDER, PrefixRequested),
    queue_name(ARTIFACTS, ArtifactRequested),
]


@pytest.mark.parametrize("concurrency", [None, 3])
def test_workers_take_as_many_requests_at_once_as_concurrency_says(tmp_path: Path, concurrency: int | None) -> None:
    sections = {
        "CondaStore": {"store_directory": str(tmp_path / "state")},
        "CondaStoreWorker": {"concurrency": concurrency, "cache_directory": str(tmp_path / "cache")},
    }
    services = working(Config(sections), MemoryBus(), FilesystemStore(tmp_path / "storage"))
    taken = {each.queue: each.concurrency for service in services for each in service.subscriptions}
    assert {taken[queue] for queue in QUEUES} == {concurrency or os.cpu_count()}
