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
    """
    task = asyncio.current_task()
    cancellations = task.cancelling() if task else 0
    try:
        return await answer
    except asyncio.CancelledError as error:
        if task is None or task.cancelling() > cancellations:
            raise
        raise ConnectionError("the connection to the broker was closed") from error


def when_closed(link: AbstractConnection | AbstractChannel) -> "asyncio.Future[str]":
    """A future that gets the reason once the connection or channel is closed, by whichever side."""
    closed: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def close(_link: object, reason: BaseException | None) -> None:
        if not closed.done():
            closed.set_result(repr(reason) if reason is not None else "closed")

    link.close_callbacks.add(close)
    return closed
