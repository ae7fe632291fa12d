"""Functions of others are called so that nobody but their caller waits (docs/how-to/write-hooks.md)."""

import asyncio
import functools
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from conda_store_api.adapters.hook_calls import HookCalls
from conda_store_api.adapters.hook_signature import read_hook
from conda_store_shared.errors import ConfigurationError, TookTooLong

pytestmark = pytest.mark.slow

OFFERED = ("db", "conda_store", "namespace", "action")
VALUES = {"db": 1, "conda_store": 2, "namespace": 3, "action": 4}
IN_ORDER = ("conda_store", "environment")


class Choosy:
    def __call__(self, conda_store: int, action: int) -> list[int]:
        return [conda_store, action]


def plain(namespace: int, *, db: int) -> list[int]:
    return [namespace, db]


def without_db(conda_store: int, namespace: int, action: int) -> list[int]:
    return [conda_store, namespace, action]


def with_more(action: int, reason: int = 9, **rest: int) -> list[int]:
    return [action, reason, *sorted(rest.values())]


@pytest.mark.parametrize(
    ("function", "given"),
    [(plain, [3, 1]), (without_db, [2, 3, 4]), (with_more, [4, 9, 1, 2, 3]), (lambda: [], []), (Choosy(), [2, 4]),
     (functools.partial(plain, db=7), [3, 1])],
)  # fmt: skip
def test_function_is_given_what_it_names(function: Callable[..., Any], given: list[int]) -> None:
    assert read_hook("CondaStore.validate_action", function, OFFERED).call_with(VALUES)() == given


@pytest.mark.parametrize(
    ("function", "given"),
    [(lambda store, told: [store, told], [2, 5]), (lambda environment: [environment], [5]),
     (lambda environment, conda_store: [environment, conda_store], [5, 2]), (lambda a, b, c=0: [a, b, c], [2, 5, 0])],
)  # fmt: skip
def test_function_is_given_its_arguments_in_order_when_it_names_them_otherwise(
    function: Callable[..., Any], given: list[int]
) -> None:
    offered = {"db": 1, "conda_store": 2, "environment": 5}
    assert read_hook("hook", function, tuple(offered), in_order=IN_ORDER).call_with(offered)() == given


@pytest.mark.parametrize("function", [lambda db, user: None, lambda db, /: None])
def test_function_is_refused_when_it_asks_for_what_is_not_there(function: Callable[..., Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"CondaStore\.validate_action: the function asks for (user|db); it"):
        read_hook("CondaStore.validate_action", function, OFFERED)


async def test_async_function_is_awaited_wherever_it_comes_from() -> None:
    async def double(number: int) -> int:
        await asyncio.sleep(0)
        return 2 * number

    calls = HookCalls(5)
    assert (await calls.call(functools.partial(double, 4))).value == 8
    assert (await calls.call(lambda: double(5))).value == 10


class Leaves(BaseException):
    """Nobody catches it by accident."""


@pytest.mark.parametrize("error", [ValueError("no"), TimeoutError("mine"), Leaves(), SystemExit(3), StopIteration()])
async def test_error_is_the_outcome_whatever_it_is(error: BaseException) -> None:
    def plainly() -> None:
        raise error

    async def later() -> None:
        raise error

    calls = HookCalls(5)
    assert (await calls.call(plainly)).error is error
    told = (await calls.call(later)).error
    assert told is error or isinstance(told, RuntimeError)


async def test_cancellation_within_a_function_is_its_failure() -> None:
    async def cancel() -> None:
        raise asyncio.CancelledError

    assert isinstance((await HookCalls(5).call(cancel)).error, asyncio.CancelledError)


async def test_loop_goes_on_while_functions_wait() -> None:
    until, calls = threading.Event(), HookCalls(10)

    async def forgets_to_wait() -> bool:
        return until.wait(10)

    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(calls.call(one)) for one in (until.wait, until.wait, forgets_to_wait)]
        await asyncio.sleep(0.01)
        assert not any(task.done() for task in waiting)
        assert (await calls.call(lambda: 3)).value == 3
        until.set()
    assert [task.result().value for task in waiting] == [True, True, True]


async def test_call_ends_in_time_when_its_function_does_not() -> None:
    until, canceled = threading.Event(), threading.Event()

    async def waits() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            canceled.set()

    calls = HookCalls(0.05)
    try:
        for function in (until.wait, waits):
            with pytest.raises(TookTooLong, match=r"no answer within 0\.05 seconds"):
                await calls.call(function)
        assert await asyncio.to_thread(canceled.wait, 10)
    finally:
        until.set()


async def test_call_waits_for_a_thread_when_all_are_taken() -> None:
    until, calls = threading.Event(), HookCalls(0.2, at_once=1)
    with pytest.raises(TookTooLong):
        await calls.call(until.wait)
    with pytest.raises(TookTooLong):
        await calls.call(time.monotonic)
    until.set()
    assert (await calls.call(time.monotonic)).value is not None
