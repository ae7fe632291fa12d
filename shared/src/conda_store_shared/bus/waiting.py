"""Bounded waits for the broker, and what may come of them."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import CONNECTION_EXCEPTIONS

Answer = TypeVar("Answer")

BROKER_FAILURES: tuple[type[Exception], ...] = (*CONNECTION_EXCEPTIONS, EOFError, asyncio.InvalidStateError)
"""Whatever the client library raises when broker or connection fail; a TimeoutError is among them."""


async def within(seconds: float, answer: Awaitable[Answer]) -> Answer:
    """Wait for the broker; raises one of BROKER_FAILURES, TimeoutError after ``seconds``."""
    async with asyncio.timeout(seconds):
        return await unleaked(answer)


async def unleaked(answer: Awaitable[Answer]) -> Answer:
    """Wait for the broker; a cancellation that is not ours but the library's is raised as ConnectionError.

    The library cancels what waits on a channel that closes, so the waiting task cannot tell why it is cancelled.
    Ours is raised whatever the library makes of it: one that comes just as a channel closes is a success to it.
    """
    before = cancellations()
    try:
        answered = await answer
    except asyncio.CancelledError as error:
        raise_if_cancelled(before)
        raise ConnectionError("the connection to the broker was closed") from error
    except BROKER_FAILURES:
        raise_if_cancelled(before)
        raise
    raise_if_cancelled(before)
    return answered


def cancellations() -> int:
    """How often the current task was told to end, whatever became of the exceptions that told it."""
    task = asyncio.current_task()
    return task.cancelling() if task else 0


def raise_if_cancelled(before: int) -> None:
    """Raise CancelledError when there are more ``cancellations`` than ``before``."""
    if cancellations() > before:
        raise asyncio.CancelledError


def when_closed(link: AbstractConnection | AbstractChannel) -> "asyncio.Future[str]":
    """A future that gets the reason once the connection or channel is closed, by whichever side."""
    closed: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def close(_link: object, reason: BaseException | None) -> None:
        if not closed.done():
            closed.set_result(repr(reason) if reason is not None else "closed")

    link.close_callbacks.add(close)
    return closed
