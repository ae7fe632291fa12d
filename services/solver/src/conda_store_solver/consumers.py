"""Handlers of the messages that are about no build: lists of channels, and solves somebody waits for."""

import asyncio

from conda_store_shared.bus.port import Bus, Handler
from conda_store_shared.contracts.envelope import Envelope
from conda_store_shared.contracts.events import IndexRequested, SolveCanceled, SolveRequested
from conda_store_shared.contracts.topology import SOLVER
from conda_store_shared.worker.reporter import publish_until_taken
from conda_store_solver.use_cases.answer_solve import answer_solve
from conda_store_solver.use_cases.index_channel import IndexTools, index_channel
from conda_store_solver.use_cases.solve_specification import SolveTools


def index_handler(bus: Bus, tools: IndexTools) -> Handler:
    """Return the handler of requests to list a channel."""

    async def handle(envelope: Envelope) -> None:
        request = envelope.event
        assert isinstance(request, IndexRequested)  # noqa: S101 - the queue carries nothing else
        indexed = await index_channel(request, tools)
        if indexed is not None:
            await publish_until_taken(bus, SOLVER, envelope, indexed)

    return handle


class RemoteSolves:
    """Solves that somebody waits for; each runs once in this process, and ends when nobody waits any more."""

    def __init__(self, bus: Bus, tools: SolveTools) -> None:
        self._bus = bus
        self._tools = tools
        self._running: dict[str, asyncio.Task[None]] = {}
        self._canceled: set[str] = set()

    async def handle(self, envelope: Envelope) -> None:
        """Answer a request, or join the one that is being answered."""
        request = envelope.event
        assert isinstance(request, SolveRequested)  # noqa: S101 - the queue carries nothing else
        key = request.solve_id
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(self._answer(envelope, request), name=f"solve {key}")
            task.add_done_callback(lambda _task: self._running.pop(key, None))
        # Shielded: the delivery may die with its connection while the work goes on.
        await asyncio.wait([task])
        if key in self._canceled:
            self._canceled.discard(key)
            return
        task.result()

    async def on_solve_canceled(self, envelope: Envelope) -> None:
        """Stop work that nobody waits for."""
        event = envelope.event
        assert isinstance(event, SolveCanceled)  # noqa: S101 - subscribed to nothing else
        task = self._running.get(event.solve_id)
        if task is not None:
            self._canceled.add(event.solve_id)
            task.cancel()

    async def interrupt(self) -> None:
        """Give all running work up; another solver gets the requests."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=5)

    async def _answer(self, envelope: Envelope, request: SolveRequested) -> None:
        answered = await answer_solve(request, self._tools)
        if answered is not None:
            await publish_until_taken(self._bus, SOLVER, envelope, answered)
