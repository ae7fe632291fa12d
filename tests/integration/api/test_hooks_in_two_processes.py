"""Two api processes with hooks, on Postgres and RabbitMQ: one of them calls the hook, the other when that one dies."""

import time
from pathlib import Path
from typing import Any

import httpx

from conda_store_shared.db.models import Build
from conda_store_shared.testing.servers import VirtualHosts
from conda_store_shared.testing.servers.conda_store import QUICK, SECRET, CommandProcess, start_together
from conda_store_shared.testing.servers.process import wait_until
from tests.unit.api.api_client import CALLERS
from tests.unit.api.ledger_builders import Ledger, linked

HOOKS = """
import os
import time
from pathlib import Path

NOTES = Path({notes!r})


def validate(specification):
    raise ValueError(f"no {{specification.name}} today")


def tell(conda_store, environment):
    with (NOTES / "told").open("a") as file:
        file.write(f"{{environment.current_build_id}} {{os.getpid()}}\\n")
    while (NOTES / "hang").exists():
        time.sleep(0.05)


c.CondaStore.validate_specification = validate
c.CondaStore.post_update_environment_build_hook = tell
"""


def told_becomes(notes: Path, count: int) -> list[tuple[int, int]]:
    """Return builds the hook was told of, and by which process, once it was told so often."""
    deadline, lines = time.monotonic() + 30, list[str]()
    while len(lines) < count and time.monotonic() < deadline:
        time.sleep(0.05)
        lines = (notes / "told").read_text().splitlines() if (notes / "told").exists() else []
    return [(int(build), int(pid)) for build, pid in map(str.split, lines)]


def teller_of(notes: Path, build_id: int, *, besides: int = 0) -> int:
    """Return a process that told the hook of a build, once there is one besides another; it may be told twice."""
    found: list[int] = []

    def told() -> bool:
        found[:] = [pid for build, pid in told_becomes(notes, 1) if build == build_id and pid != besides]
        return bool(found)

    assert wait_until(told, 30), f"nobody told of build {build_id}"
    return found[0]


def refusal(process: CommandProcess) -> tuple[int, str]:
    """What the process answers to a specification."""
    body = {"specification": "name: rain", "namespace": "team"}
    headers = {"Authorization": "Bearer admin"}
    answer = httpx.post(f"{process.url}/api/v1/specification/", json=body, headers=headers)
    return answer.status_code, answer.json()["message"]


async def link(ledger: Ledger, build: Build, generation: int) -> None:
    """Say what a builder says; what follows leaves with the relay of one of the processes."""
    await ledger.apply(linked(build, generation))


async def test_hook_is_called_by_one_process_and_by_another_when_that_dies(
    ledger: Ledger, postgres_url: str, rabbitmq_server: VirtualHosts, tmp_path: Path
) -> None:
    options: dict[str, Any] = {
        **QUICK,
        "CondaStore.database_url": postgres_url,
        "Bus.url": rabbitmq_server.create_vhost(),
        "LocalStorage.storage_path": str(tmp_path / "objects"),
        "AuthenticationBackend.secret": SECRET,
        "AuthenticationBackend.predefined_tokens": dict(CALLERS),
    }
    first, second = await ledger.completed(), await ledger.completed()
    processes = [
        CommandProcess(("conda-store-api",), options, HOOKS.format(notes=str(tmp_path))) for _number in range(2)
    ]
    try:
        start_together(processes)
        assert [refusal(process) for process in processes] == [(400, "no rain today")] * 2

        await link(ledger, second, 2)
        assert [build for build, _ in told_becomes(tmp_path, 2)] == [second.id, second.id]

        (tmp_path / "hang").touch()
        await ledger.choose(first)
        await link(ledger, first, 3)
        pid = teller_of(tmp_path, first.id)
        teller, other = sorted(processes, key=lambda process: process.pid != pid)
        teller.crash()
        (tmp_path / "hang").unlink()
        assert teller_of(tmp_path, first.id, besides=pid) == other.pid
    finally:
        for process in processes:
            process.discard()
