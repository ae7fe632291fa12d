"""What the layers count: each happening once, under labels of a known few."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from conda_store_shared.assembly.figures import process_figures
from conda_store_shared.bus.backoff import Backoff
from conda_store_shared.bus.consumer import Patience
from conda_store_shared.bus.memory import MemoryBus, MemoryOptions
from conda_store_shared.bus.port import Handler, Subscription
from conda_store_shared.contracts.envelope import Envelope
from conda_store_shared.contracts.events import SolveRequested
from conda_store_shared.db.engine import Database
from conda_store_shared.errors import DatabaseUnavailable, NotFound
from conda_store_shared.storage.filesystem import FilesystemStore
from conda_store_shared.storage.measured import MeasuredStore
from conda_store_shared.telemetry import children, told
from conda_store_shared.testing.bus_messages import (
    SOLVE_QUEUE,
    Recorder,
    a_solve_request,
    an_envelope,
    an_undecodable_message,
    eventually,
    running,
)
from conda_store_shared.testing.figures import figure
from conda_store_shared.web.application import create_application
from conda_store_shared.web.health import Readiness
from conda_store_shared.web.metrics import metrics_routes
from conda_store_shared.worker.service import Service

AT_ONCE = Backoff(first=0.001, longest=0.001)
SOLVE = "solve.requested"


def consumed(outcome: str, message: str = SOLVE) -> float:
    return figure("conda_store_messages_consumed_total", message=message, outcome=outcome)


@asynccontextmanager
async def bus_with(handler: Handler) -> AsyncIterator[MemoryBus]:
    bus = MemoryBus(MemoryOptions(patience=Patience(unavailable=AT_ONCE, crashed=AT_ONCE), delivery_limit=1))
    bus.subscribe(Subscription(queue=SOLVE_QUEUE, handler=handler))
    async with running(bus):
        yield bus


async def test_message_is_counted_with_its_wait_and_time_when_it_is_handled() -> None:
    waits, sum_of_waits = "conda_store_message_wait_seconds_count", "conda_store_message_wait_seconds_sum"
    before = consumed("handled"), figure(waits, message=SOLVE), figure(sum_of_waits, message=SOLVE)
    published = figure("conda_store_messages_published_total", message=SOLVE, outcome="confirmed")
    event = SolveRequested(build_id=1, build_key="key", order_digest="0" * 64)
    old = replace(an_envelope(event), time=datetime.now(UTC) - timedelta(hours=1))
    recorder = Recorder()
    async with bus_with(recorder) as bus:
        await bus.publish(old.encode())
        await recorder.wait_for(1)
        await eventually(lambda: consumed("handled") == before[0] + 1)
    assert figure(waits, message=SOLVE) == before[1] + 1
    assert 3600 <= figure(sum_of_waits, message=SOLVE) - before[2] < 3700
    assert figure("conda_store_messages_published_total", message=SOLVE, outcome="confirmed") == published + 1
    assert figure("conda_store_message_handling_seconds_count", message=SOLVE) >= 1


async def test_message_that_crashed_is_counted_as_returned_and_its_wait_once() -> None:
    waits = "conda_store_message_wait_seconds_count"
    before = consumed("returned"), figure(waits, message=SOLVE)

    async def crash(_envelope: Envelope) -> None:
        raise RuntimeError

    with capture_logs():
        async with bus_with(crash) as bus:
            await bus.publish(a_solve_request())
            await eventually(lambda: consumed("returned") == before[0] + 2)
    assert figure(waits, message=SOLVE) == before[1] + 1


async def test_repeats_are_counted_when_something_is_unavailable() -> None:
    before, left = figure("conda_store_message_retries_total", message=SOLVE), [True, True]

    async def find_nothing(_envelope: Envelope) -> None:
        if left:
            left.pop()
            raise DatabaseUnavailable("away")

    recorder = Recorder(find_nothing)
    with capture_logs():
        async with bus_with(recorder) as bus:
            await bus.publish(a_solve_request())
            await recorder.wait_for(1)
    assert figure("conda_store_message_retries_total", message=SOLVE) == before + 2


async def test_message_nobody_can_read_is_counted_under_a_name_that_is_not_its_own() -> None:
    before = consumed("rejected", "undecodable")
    with capture_logs():
        async with bus_with(Recorder()) as bus:
            await bus.publish(an_undecodable_message())
            await eventually(lambda: consumed("rejected", "undecodable") == before + 1)


async def test_store_counts_requests_and_bytes_both_ways(tmp_path: Path) -> None:
    def requests(operation: str, outcome: str) -> float:
        return figure("conda_store_object_requests_total", operation=operation, outcome=outcome)

    names = ("conda_store_object_stored_bytes_total", "conda_store_object_read_bytes_total")
    before = [*map(figure, names), requests("get", "done"), requests("get", "not_found")]
    async with MeasuredStore(FilesystemStore(tmp_path / "objects")) as store:
        await store.put("a/b", b"x" * 1000, "text/plain")
        assert await store.get("a/b", 5000) == b"x" * 1000
        assert b"".join([piece async for piece in store.stream("a/b", 0, 10)]) == b"x" * 10
        with pytest.raises(NotFound):
            await store.get("a/c", 10)
        assert await store.head("a/c") is None
    after = [*map(figure, names), requests("get", "done"), requests("get", "not_found")]
    assert [new - old for new, old in zip(after, before, strict=True)] == [1000, 1010, 2, 1]


async def test_wait_for_the_database_is_counted_when_all_connections_are_taken(tmp_path: Path) -> None:
    waits = "conda_store_database_wait_seconds"
    before = figure(f"{waits}_count"), figure(f"{waits}_sum")
    async with Database(f"sqlite:///{tmp_path / 'database'}") as database:

        async def write() -> None:
            async with database.session(write=True):
                assert figure("conda_store_database_connections_busy") == 1
                await asyncio.sleep(0.02)  # the time the other one waits

        await asyncio.gather(write(), write())
    assert figure(f"{waits}_count") == before[0] + 2
    assert figure(f"{waits}_sum") > before[1]
    assert figure("conda_store_database_connections_busy") == 0


def test_notes_of_a_child_are_added_up_once() -> None:
    told.take()
    told.looked_up("packages", 3, 2)
    told.downloaded("packages", 500)
    with told.step("pip_install"):
        pass
    notes = told.take()
    assert told.take() == []
    hits = figure("conda_store_cache_lookups_total", cache="packages", outcome="hit")
    steps = figure("conda_store_step_seconds_count", step="pip_install")
    children.add([list(note) for note in notes])
    assert figure("conda_store_cache_lookups_total", cache="packages", outcome="hit") == hits + 3
    assert figure("conda_store_step_seconds_count", step="pip_install") == steps + 1


def test_notes_that_nobody_takes_do_not_grow() -> None:
    told.take()
    for _ in range(5000):
        told.looked_up("packages", 0, 1)
    assert len(told.take()) == 1000


async def test_figures_tell_of_services_parts_and_the_process() -> None:
    async def is_away() -> None:
        raise DatabaseUnavailable("away")

    registry = CollectorRegistry()
    readiness = Readiness({"database": is_away})
    refreshes = process_figures(registry, [Service(name="api"), Service(name="auth")], readiness)
    application = create_application(metrics_routes(registry, refreshes))
    with capture_logs():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://api") as client:
            text = (await client.get("/metrics")).text
    assert 'conda_store_part_up{part="database"} 0.0' in text
    assert 'conda_store_service_info{service="auth",version="' in text
    assert "process_resident_memory_bytes" in text
