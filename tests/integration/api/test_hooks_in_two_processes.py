"""Two api processes with hooks, on Postgres and RabbitMQ: one of them calls the hook, the other when that one dies.

So it is with public events at the broker.
"""

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import aio_pika
import httpx
import pytest

from conda_store_api.repositories.event_cursors import find_position
from conda_store_shared.contracts.topology import EVENTS_EXCHANGE
from conda_store_shared.db.models import Build
from conda_store_shared.testing.recorded_events import problems_of_event
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


def note(event):
    with (NOTES / "events").open("a") as file:
        file.write(f"{{event['id']}} {{os.getpid()}}\\n")
    while (NOTES / "hang").exists():
        time.sleep(0.05)


c.CondaStore.event_hooks = {{"environment.*": note}}
c.CondaStore.validate_specification = validate
c.CondaStore.post_update_environment_build_hook = tell
"""


def told_becomes(notes: Path, count: int, name: str = "told") -> list[tuple[int, int]]:
    """Return builds or events the hook was told of, and by which process, once it was told so often."""
    deadline, lines = time.monotonic() + 30, list[str]()
    while len(lines) < count and time.monotonic() < deadline:
        time.sleep(0.05)
        lines = (notes / name).read_text().splitlines() if (notes / name).exists() else []
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


@pytest.fixture
def processes(
    postgres_url: str, rabbitmq_server: VirtualHosts, amqp_url: str, tmp_path: Path
) -> Iterator[Sequence[CommandProcess]]:
    """Two replicas of api that are not started yet."""
    options: dict[str, Any] = {
        **QUICK,
        "CondaStore.database_url": postgres_url,
        "Bus.url": rabbitmq_server.narrow(amqp_url)["api"],
        "LocalStorage.storage_path": str(tmp_path / "objects"),
        "AuthenticationBackend.secret": SECRET,
        "AuthenticationBackend.predefined_tokens": dict(CALLERS),
    }
    text = HOOKS.format(notes=str(tmp_path))
    made = [CommandProcess(("conda-store-api",), options, text) for _number in range(2)]
    yield made
    for process in made:
        process.discard()


async def test_hook_is_called_by_one_process_and_by_another_when_that_dies(
    ledger: Ledger, processes: Sequence[CommandProcess], tmp_path: Path
) -> None:
    first, second = await ledger.completed(), await ledger.completed()
    start_together(processes)
    assert [refusal(process) for process in processes] == [(400, "no rain today")] * 2

    await link(ledger, second, 2)
    # Of two changes; by the clock of the test they were asked for long ago, so that they may be asked for again.
    assert {build for build, _ in told_becomes(tmp_path, 2)} == {second.id}

    await ledger.choose(first)
    (tmp_path / "hang").touch()
    await link(ledger, first, 3)
    pid = teller_of(tmp_path, first.id)
    teller, other = sorted(processes, key=lambda process: process.pid != pid)
    teller.crash()
    (tmp_path / "hang").unlink()
    assert teller_of(tmp_path, first.id, besides=pid) == other.pid


async def test_events_are_told_by_one_process_and_by_another_when_that_dies(
    ledger: Ledger, processes: Sequence[CommandProcess], rabbitmq_server: VirtualHosts, amqp_url: str, tmp_path: Path
) -> None:
    first, second = await ledger.completed(), await ledger.completed()
    start_together(processes)
    await begun(ledger, "hook:environment.*")
    async with await aio_pika.connect(rabbitmq_server.narrow(amqp_url)["events"]) as connection:
        queue = await (await connection.channel()).declare_queue("events.ci", exclusive=True)
        await queue.bind(EVENTS_EXCHANGE, "environment.#")

        await ledger.choose(first)
        await ledger.choose(second)
        events = told_becomes(tmp_path, 2, "events")
        assert len({pid for _event, pid in events}) == 1
        heard = [await queue.get(timeout=20, no_ack=True) for _event in events]
        assert [message.message_id for message in heard] == [f"evt_{event}" for event, _pid in events]
        assert problems_of_event(json.loads(heard[0].body)) == []

        (tmp_path / "hang").touch()
        await ledger.choose(first)
        [*_, (event, pid)] = told_becomes(tmp_path, 3, "events")
        teller, other = sorted(processes, key=lambda process: process.pid != pid)
        teller.crash()
        (tmp_path / "hang").unlink()
        await ledger.choose(second)
        assert told_becomes(tmp_path, 5, "events")[3:] == [(event, other.pid), (event + 1, other.pid)]
        assert (await queue.get(timeout=20, no_ack=True)).message_id == f"evt_{event}"
        while (again := await queue.get(timeout=20, no_ack=True)).message_id == f"evt_{event}":
            pass
        assert again.message_id == f"evt_{event + 1}"


async def begun(ledger: Ledger, reader: str) -> None:
    """Return once a reader of the log has begun."""
    async with asyncio.timeout(20):
        while True:
            async with ledger.database.session() as session:
                if await find_position(session, reader) is not None:
                    return
            await asyncio.sleep(0.05)  # the database tells only when asked
