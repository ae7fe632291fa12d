"""What a pool does when children, the zygote or the service end before their time."""

import asyncio
import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from conda_store_shared.child import processes
from conda_store_shared.child.pool import ChildCall, ChildPool, PoolOptions
from conda_store_shared.errors import StageFailure

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

HERE = Path(__file__).parent
MIB = 2**20


class Listener:
    """A report that wakes the test at the first line."""

    def __init__(self) -> None:
        self.heard = asyncio.Event()

    def log(self, text: str) -> None:
        self.heard.set()

    def progress(self, done: int, total: int, unit: str) -> None:
        """Of no interest here."""


def a_pool(**options: Any) -> ChildPool:
    return ChildPool(PoolOptions(environment={"PYTHONPATH": str(HERE)}, **options))


def a_call(function: str, *, timeout: float = 10, memory_bytes: int | None = None, **arguments: Any) -> ChildCall:
    return ChildCall(
        function=f"child_functions:{function}", arguments=arguments, timeout=timeout, memory_bytes=memory_bytes
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool() -> AsyncIterator[ChildPool]:
    """One child, for the tests after which a pool must be as good as new."""
    async with a_pool() as opened:
        yield opened


async def until(condition: Callable[[], bool], within: float = 5) -> None:
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def fall_asleep(pool: ChildPool, **options: Any) -> tuple[asyncio.Task[Any], list[int]]:
    """A running call, and all its processes: the child, a group member, a session leader, a daemon."""
    listener = Listener()
    task = asyncio.create_task(pool.call(a_call("sleep", **options), listener))
    async with asyncio.timeout(5):
        await listener.heard.wait()
    (pid,) = pool.stats().busy
    family = [pid, *processes.descendants(pid)]
    assert len(family) >= 4
    return task, family


def living(pids: list[int]) -> list[int]:
    return [pid for pid in pids if processes.is_alive(pid)]


async def failure_of(call: asyncio.Task[Any]) -> StageFailure:
    with pytest.raises(StageFailure) as raised:
        await call
    return raised.value


@contextlib.contextmanager
def a_service() -> Iterator[tuple[subprocess.Popen[bytes], list[int]]]:
    """A process that holds a pool with a busy child, and all that descends from it: the zygote first."""
    with subprocess.Popen([sys.executable, HERE / "child_parent.py"], stdout=subprocess.PIPE) as service:
        try:
            assert service.stdout
            pids = [int(word) for word in service.stdout.readline().split()]
            yield service, [*pids, *processes.descendants(pids[1])]
        finally:
            service.kill()


async def test_call_ends_with_all_it_started_when_time_is_up(pool: ChildPool) -> None:
    task, family = await fall_asleep(pool, timeout=0.5)
    failure = await failure_of(task)

    assert (failure.cause, failure.transient) == ("timeout", False)
    assert living(family) == []
    assert (await pool.call(a_call("add", numbers=[1])))["sum"] == 1


async def test_call_ends_with_all_it_started_before_cancellation_goes_on(pool: ChildPool) -> None:
    task, family = await fall_asleep(pool)
    task.cancel()
    began = time.monotonic()
    # A second cancellation must not leave the work half done.
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert living(family) == []
    assert time.monotonic() - began < 5
    assert (await pool.call(a_call("add", numbers=[1])))["sum"] == 1


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_call_ends_when_it_holds_too_much_memory(pool: ChildPool, elsewhere: bool) -> None:
    call = a_call("eat", bytes=150 * MIB, seconds=600, elsewhere=elsewhere, memory_bytes=100 * MIB)
    failure = await failure_of(asyncio.create_task(pool.call(call)))

    assert (failure.cause, failure.transient) == ("out_of_memory", False)
    assert "100 MiB" in failure.detail


async def test_child_is_replaced_when_it_served_enough_calls() -> None:
    async with a_pool(max_calls=2) as pool:
        pids = [(await pool.call(a_call("add", numbers=[])))["pid"] for _ in range(4)]

        assert pids[0] == pids[1] != pids[2] == pids[3]


async def test_child_is_replaced_when_it_keeps_too_much_memory_or_leaves_processes() -> None:
    async with a_pool(max_bytes=100 * MIB) as pool:
        first = (await pool.call(a_call("add", numbers=[])))["pid"]
        second = (await pool.call(a_call("eat", bytes=120 * MIB)))["pid"]
        third = (await pool.call(a_call("leave_behind")))["pid"]
        fourth = (await pool.call(a_call("add", numbers=[])))["pid"]

        assert first == second != third != fourth
        await until(lambda: processes.children(pool.stats().zygote or 0) == [fourth])


async def test_call_is_lost_when_somebody_kills_the_child(pool: ChildPool) -> None:
    task, family = await fall_asleep(pool)
    os.kill(family[0], signal.SIGKILL)
    failure = await failure_of(task)

    assert (failure.cause, failure.transient) == ("worker_lost", True)
    assert "SIGKILL" in failure.detail
    assert living(family) == []
    assert (await pool.call(a_call("add", numbers=[1])))["sum"] == 1


async def test_idle_child_is_replaced_when_somebody_kills_it(pool: ChildPool) -> None:
    await until(lambda: len(pool.stats().idle) == 1)
    (idle,) = pool.stats().idle
    os.kill(idle, signal.SIGKILL)
    await until(lambda: len(pool.stats().idle) == 1 and pool.stats().idle != (idle,))

    assert (await pool.call(a_call("add", numbers=[1])))["sum"] == 1


async def test_pool_recovers_when_somebody_kills_the_zygote(pool: ChildPool) -> None:
    task, family = await fall_asleep(pool)
    zygote = pool.stats().zygote
    assert zygote
    os.kill(zygote, signal.SIGKILL)
    failure = await failure_of(task)

    assert (failure.cause, failure.transient) == ("worker_lost", True)
    assert living([zygote, *family]) == []
    assert (await pool.call(a_call("add", numbers=[1])))["sum"] == 1
    assert pool.stats().zygote != zygote


async def test_cancellation_ends_the_child_when_the_zygote_is_stopped(pool: ChildPool) -> None:
    task, family = await fall_asleep(pool)
    zygote = pool.stats().zygote
    assert zygote
    os.kill(zygote, signal.SIGSTOP)
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert time.monotonic() - began < 5
    assert living(family) == []
    assert (await pool.call(a_call("add", numbers=[1])))["sum"] == 1


async def test_nothing_survives_when_somebody_kills_the_service() -> None:
    with a_service() as (service, family):
        service.kill()
    assert len(family) >= 6
    await until(lambda: living(family) == [])


async def test_nothing_survives_when_somebody_kills_service_and_zygote() -> None:
    with a_service() as (service, family):
        service.send_signal(signal.SIGSTOP)
        os.kill(family[0], signal.SIGKILL)
        service.kill()
    await until(lambda: living(family) == [])


async def test_work_goes_on_when_a_service_manager_sends_sigterm_to_all(pool: ChildPool) -> None:
    await until(lambda: len(pool.stats().idle) == 1)
    call = asyncio.create_task(pool.call(a_call("eat", bytes=1, seconds=0.3)))
    await until(lambda: len(pool.stats().busy) == 1)
    for pid in (pool.stats().zygote or 0, *pool.stats().busy):
        os.kill(pid, signal.SIGTERM)

    assert (await call)["pid"] in pool.stats().idle


async def test_waiting_calls_are_served_in_turn_when_all_children_are_busy(pool: ChildPool) -> None:
    results = await asyncio.gather(*(pool.call(a_call("add", numbers=[index])) for index in range(5)))

    assert [result["sum"] for result in results] == list(range(5))
    assert len({result["pid"] for result in results}) == 1


async def test_another_child_is_there_when_the_last_idle_one_is_taken() -> None:
    async with a_pool(spares=3) as pool:
        await until(lambda: len(pool.stats().idle) == 1)
        call = asyncio.create_task(pool.call(a_call("eat", bytes=1, seconds=0.5)))
        await until(lambda: len(pool.stats().busy) == len(pool.stats().idle) == 1)
        await call
        assert pool.stats().started == 2
        results = await asyncio.gather(*(pool.call(a_call("eat", bytes=1, seconds=0.5)) for _ in range(3)))
        assert len({result["pid"] for result in results}) == 3


async def test_another_child_is_started_when_it_is_needed_and_no_sooner_without_ahead() -> None:
    async with a_pool(spares=3, ahead=False) as pool:
        await until(lambda: len(pool.stats().idle) == 1)
        await pool.call(a_call("eat", bytes=1, seconds=0.3))
        assert pool.stats().started == 1
        results = await asyncio.gather(*(pool.call(a_call("eat", bytes=1, seconds=0.5)) for _ in range(3)))
        assert len({result["pid"] for result in results}) == 3


async def test_closing_ends_running_and_waiting_calls() -> None:
    async with contextlib.AsyncExitStack() as stack:
        pool = await stack.enter_async_context(a_pool())
        running, family = await fall_asleep(pool)
        waiting = asyncio.create_task(pool.call(a_call("add", numbers=[])))
        await asyncio.sleep(0)
    assert [(await failure_of(running)).cause, (await failure_of(waiting)).cause] == ["worker_lost", "worker_lost"]
    assert living(family) == []


async def test_pool_recovers_when_there_were_no_descriptors_for_a_child() -> None:
    async with a_pool(spares=1) as opened:
        await opened.call(a_call("add", numbers=[1, 2]))
        (idle,) = opened.stats().idle
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        lowest = os.dup(0)
        os.close(lowest)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
            os.kill(idle, signal.SIGKILL)
            await asyncio.sleep(0.5)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert (await opened.call(a_call("add", numbers=[1, 2])))["sum"] == 3


async def test_pool_does_not_open_when_a_module_is_missing() -> None:
    with pytest.raises(StageFailure) as raised:
        async with a_pool(preload=("no_such_module",)):
            pass

    assert raised.value.cause == "internal_error"
    assert "no_such_module" in raised.value.detail
