"""A service as wired parts, and running one or several of them in a process."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import structlog
from prometheus_client import CollectorRegistry

from conda_store_shared.bus.port import Bus, Subscription

log = structlog.get_logger()
Coroutine = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The wired parts of one service.

    ``contexts`` are entered before anything runs, in no order.  ``pools`` take seconds to be entered: all the rest runs
    meanwhile, and what needs one waits for it.  ``background`` runs until the process stops; ``interrupt`` gives
    running work up at a graceful stop; ``checks`` raise Unavailable when the named part cannot be used; ``metrics``
    adds figures to a registry of Prometheus, and returns what brings them up to date.
    """

    name: str
    subscriptions: Sequence[Subscription] = ()
    background: Sequence[Coroutine] = ()
    contexts: Sequence[AbstractAsyncContextManager[Any]] = ()
    pools: Sequence[AbstractAsyncContextManager[Any]] = ()
    routes: Sequence[Any] = ()
    interrupt: Coroutine | None = None
    checks: Mapping[str, Coroutine] = field(default_factory=dict)
    metrics: Callable[[CollectorRegistry], Coroutine] | None = None


async def run_services(services: Sequence[Service], bus: Bus, serve: Coroutine | None = None) -> None:
    """Run ``services`` on ``bus`` until SIGTERM or SIGINT, then stop in order.

    ``serve`` runs the HTTP server.  Raises the first error of any part as an ExceptionGroup.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    for service in services:
        for subscription in service.subscriptions:
            bus.subscribe(subscription)
    async with AsyncExitStack() as stack:
        await _enter(stack, [context for service in services for context in service.contexts])
        async with asyncio.TaskGroup() as group:
            pools = [pool for service in services for pool in service.pools]
            tasks = [group.create_task(_enter(stack, pools), name="pools")]
            tasks.append(group.create_task(_forever(bus.run), name="bus"))
            tasks += [
                group.create_task(_forever(part), name=f"{service.name} background")
                for service in services
                for part in service.background
            ]
            if serve is not None:
                tasks.append(group.create_task(_forever(serve), name="http"))
            log.info("started", services=[service.name for service in services])
            await stop.wait()
            await _stop(services, bus)
            for task in tasks:
                task.cancel()
    log.info("stopped")


async def _enter(stack: AsyncExitStack, contexts: Sequence[AbstractAsyncContextManager[Any]]) -> None:
    """Enter contexts side by side; those that were entered when another failed are left with the stack."""

    async def enter(context: AbstractAsyncContextManager[Any]) -> None:
        await stack.enter_async_context(context)

    async with asyncio.TaskGroup() as group:
        for context in contexts:
            group.create_task(enter(context))


async def _forever(part: Coroutine) -> None:
    await part()


async def _stop(services: Sequence[Service], bus: Bus) -> None:
    log.info("stopping")
    await bus.drain()
    async with asyncio.TaskGroup() as group:
        for service in services:
            if service.interrupt is not None:
                group.create_task(_forever(service.interrupt))
