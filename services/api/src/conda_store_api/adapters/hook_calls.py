"""Calls functions of others so that nobody but their caller waits: beside the loop of the server, within a deadline."""

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from conda_store_shared.errors import TookTooLong

Call = Callable[[], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a call ended: by a value, or by an error of whatever kind."""

    value: Any = None
    error: BaseException | None = None


class HookCalls:
    """Calls plain functions in threads, and what async ones return in a loop of their own in one more thread.

    A call takes ``seconds`` at most, the wait for one of ``at_once`` threads included unless ``is_patient``.  A plain
    function that goes on after its time keeps its thread, an async one is cancelled; neither keeps the process from
    ending.
    """

    def __init__(self, seconds: float, at_once: int = 16, *, is_patient: bool = False) -> None:
        self._seconds = seconds
        self._free = asyncio.Semaphore(at_once)
        self._is_patient = is_patient

    async def call(self, function: Call) -> Outcome:
        """Return how the call ended; raises TookTooLong when it did not end in time."""
        if self._is_patient:
            await self._free.acquire()
            self._free.release()
        try:
            async with asyncio.timeout(self._seconds):
                ended = await self._in_thread(function)
                return await self._in_loop(ended.value) if inspect.isawaitable(ended.value) else ended
        except TimeoutError:
            raise TookTooLong(f"no answer within {self._seconds:g} seconds") from None

    async def _in_thread(self, function: Call) -> Outcome:
        await self._free.acquire()
        loop, context = asyncio.get_running_loop(), contextvars.copy_context()
        over: Future[Outcome] = Future()
        # From here on nobody can cancel it.
        over.set_running_or_notify_cancel()

        def run() -> None:
            ended = context.run(_outcome_of, function)
            # The server may be gone by now.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._free.release)
                over.set_result(ended)

        threading.Thread(target=run, name="hook", daemon=True).start()
        return await asyncio.wrap_future(over)

    async def _in_loop(self, awaitable: Awaitable[Any]) -> Outcome:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_outcome_of_awaiting(awaitable), self._loop))

    @cached_property
    def _loop(self) -> asyncio.AbstractEventLoop:
        """Where async functions run: one that forgets to wait keeps none but others of its kind from going on."""
        loop = asyncio.new_event_loop()
        threading.Thread(target=loop.run_forever, name="async hooks", daemon=True).start()
        return loop


def _outcome_of(function: Call) -> Outcome:
    try:
        return Outcome(value=function())
    except BaseException as error:
        return Outcome(error=error)


async def _outcome_of_awaiting(awaitable: Awaitable[Any]) -> Outcome:
    try:
        return Outcome(value=await awaitable)
    except BaseException as error:
        return Outcome(error=error)
