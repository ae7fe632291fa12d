"""Messages, handlers and running buses for tests of and over the bus."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

from conda_store_shared.bus.port import Bus
from conda_store_shared.contracts.envelope import EncodedMessage, Envelope
from conda_store_shared.contracts.events import BuildCanceled, Event, SolveRequested
from conda_store_shared.contracts.topology import SOLVER, dead_queue_name, queue_name

SOLVE_QUEUE = queue_name(SOLVER, SolveRequested)
DEAD_SOLVE_QUEUE = dead_queue_name(SOLVE_QUEUE)
PATIENCE = 15.0
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def an_envelope(event: Event, *, message_id: str | None = None) -> Envelope:
    """An envelope around `event`, as from the api."""
    return Envelope(
        event=event,
        message_id=message_id or str(uuid.uuid4()),
        source="api",
        time=datetime.now(UTC),
        correlation_id="request-1",
        traceparent=TRACEPARENT,
    )


def a_message(event: Event, *, message_id: str | None = None) -> EncodedMessage:
    """`event` as bytes."""
    return an_envelope(event, message_id=message_id).encode()


def a_solve_request(build_id: int = 1) -> EncodedMessage:
    """A request to solve the specification of a build."""
    return a_message(SolveRequested(build_id=build_id, build_key=f"key-{build_id}", order_digest="0" * 64))


def a_cancellation(build_id: int = 1) -> EncodedMessage:
    """A broadcast."""
    return a_message(BuildCanceled(build_id=build_id, build_key=f"key-{build_id}"))


def an_undecodable_message() -> EncodedMessage:
    """A message with the routing key of a solve request, and a body that fits no contract."""
    headers = dict(a_solve_request().headers)
    return EncodedMessage(
        message_id=str(uuid.uuid4()), routing_key=SolveRequested.routing_key, headers=headers, body=b'{"build_id": "x"}'
    )


def build_id_of(envelope: Envelope) -> int:
    """The build that a message is about."""
    event = envelope.event
    assert isinstance(event, SolveRequested | BuildCanceled)
    return event.build_id


class Recorder:
    """A handler that notes what it was given, then does `work`; `most` is how many ran at once."""

    def __init__(self, work: Callable[[Envelope], Awaitable[None]] | None = None) -> None:
        self.begun: list[Envelope] = []
        self.ended: list[Envelope] = []
        self.most = 0
        self._running = 0
        self._work = work

    async def __call__(self, envelope: Envelope) -> None:
        """Handle a message; raises what `work` raises."""
        self.begun.append(envelope)
        self._running += 1
        self.most = max(self.most, self._running)
        try:
            if self._work is not None:
                await self._work(envelope)
        finally:
            self._running -= 1
        self.ended.append(envelope)

    @property
    def build_ids(self) -> list[int]:
        """The builds whose messages were handled, in order."""
        return [build_id_of(envelope) for envelope in self.ended]

    async def wait_for(self, *build_ids: int, timeout: float = PATIENCE) -> None:
        """Return once messages of all these builds were handled."""
        await eventually(lambda: set(build_ids) <= set(self.build_ids), timeout)


async def eventually(condition: Callable[[], bool], timeout: float = PATIENCE) -> None:
    """Return once `condition` holds; raises TimeoutError."""
    async with asyncio.timeout(timeout):
        while not condition():  # noqa: ASYNC110 - a condition over many things has no event
            await asyncio.sleep(0.01)


async def depth_becomes(bus: Bus, queue: str, depth: int | range, timeout: float = PATIENCE) -> None:
    """Return once `queue` holds `depth` messages, or one of a range of depths; raises TimeoutError."""
    wanted = depth if isinstance(depth, range) else range(depth, depth + 1)
    async with asyncio.timeout(timeout):
        while await bus.depth(queue) not in wanted:  # noqa: ASYNC110 - the broker tells only when asked
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def running(*buses: Bus) -> AsyncIterator[None]:
    """Run each bus, from healthy until the end of the block."""
    tasks = [asyncio.create_task(bus.run()) for bus in dict.fromkeys(buses)]
    try:
        await eventually(lambda: any(task.done() for task in tasks) or all(bus.healthy for bus in buses))
        yield
    finally:
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError) for end in ends), ends
