"""A process of services: what it starts, and the order in which it stops (design §4)."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.bus.port import Subscription
from conda_store_shared.testing.bus_messages import SOLVE_QUEUE, Recorder, a_solve_request, eventually
from conda_store_shared.worker.service import Service, run_services


class Diary:
    """Notes what happens, in order."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def until_stopped(self, name: str) -> Callable[[], Awaitable[None]]:
        """Work that goes on until it is cancelled."""

        async def work() -> None:
            self.lines.append(f"{name} begins")
            try:
                await asyncio.Event().wait()
            finally:
                self.lines.append(f"{name} ends")

        return work

    @contextlib.asynccontextmanager
    async def open(self, name: str) -> AsyncIterator[None]:
        """Something that is opened and closed."""
        self.lines.append(f"{name} opens")
        try:
            yield
        finally:
            self.lines.append(f"{name} closes")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_services_stop_in_order_when_told_to(number: signal.Signals) -> None:
    diary, bus = Diary(), MemoryBus()

    async def interrupt() -> None:
        diary.lines.append(f"interrupt, consuming: {bus.healthy}")

    service = Service(
        name="solver",
        contexts=[diary.open("pool")],
        background=[diary.until_stopped("janitor")],
        interrupt=interrupt,
    )
    running = asyncio.create_task(run_services([service], bus, diary.until_stopped("http")))
    await eventually(lambda: bus.healthy and "http begins" in diary.lines)
    os.kill(os.getpid(), number)
    async with asyncio.timeout(5):
        await running
    assert diary.lines[0] == "pool opens"
    assert set(diary.lines[1:3]) == {"janitor begins", "http begins"}
    # No message is taken any more when work is given up, and the pool outlives whatever used it.
    assert diary.lines[3] == "interrupt, consuming: False"
    assert set(diary.lines[4:6]) == {"janitor ends", "http ends"}
    assert diary.lines[6:] == ["pool closes"]


async def test_process_ends_when_one_of_its_parts_fails() -> None:
    diary = Diary()

    async def fail() -> None:
        await eventually(lambda: "other begins" in diary.lines)
        raise ZeroDivisionError

    service = Service(name="api", contexts=[diary.open("pool")], background=[fail, diary.until_stopped("other")])
    with pytest.raises(ExceptionGroup) as raised:
        await run_services([service], MemoryBus())
    assert raised.group_contains(ZeroDivisionError)
    assert diary.lines == ["pool opens", "other begins", "other ends", "pool closes"]


async def test_services_get_their_messages_when_they_run_together() -> None:
    bus, solver = MemoryBus(), Recorder()
    services = [
        Service(name="solver", subscriptions=[Subscription(handler=solver, queue=SOLVE_QUEUE)]),
        Service(name="api", background=[lambda: bus.publish(a_solve_request(3))]),
    ]
    running = asyncio.create_task(run_services(services, bus))
    await solver.wait_for(3)
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(5):
        await running


async def test_everything_is_closed_when_something_cannot_be_opened() -> None:
    diary = Diary()

    @contextlib.asynccontextmanager
    async def broken() -> AsyncIterator[None]:
        await eventually(lambda: "http begins" in diary.lines)
        raise ZeroDivisionError
        yield

    service = Service(name="api", contexts=[diary.open("directory")], pools=[broken(), diary.open("pool")])
    with pytest.raises(ExceptionGroup) as raised:
        await run_services([service], MemoryBus(), diary.until_stopped("http"))
    assert raised.group_contains(ZeroDivisionError)
    assert diary.lines[0] == "directory opens"
    assert set(diary.lines[1:3]) == {"pool opens", "http begins"}
    assert diary.lines[3:] == ["http ends", "pool closes", "directory closes"]


async def test_everything_runs_and_stops_while_a_pool_is_still_being_opened() -> None:
    diary, bus = Diary(), MemoryBus()

    @contextlib.asynccontextmanager
    async def slow() -> AsyncIterator[None]:
        diary.lines.append("pool begins to open")
        await asyncio.Event().wait()
        yield

    running = asyncio.create_task(
        run_services([Service(name="solver", pools=[slow()])], bus, diary.until_stopped("http"))
    )
    await eventually(lambda: bus.healthy and "http begins" in diary.lines)
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(5):
        await running
    assert set(diary.lines[:-1]) == {"pool begins to open", "http begins"}
    assert diary.lines[-1] == "http ends"
