"""What is said of the use of tokens: enough, not often, and never in a request's way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.bus.port import Subscription
from conda_store_shared.contracts.envelope import EncodedMessage, Envelope
from conda_store_shared.contracts.events import TokenUsed
from conda_store_shared.contracts.topology import API, AUTH, queue_name
from conda_store_shared.errors import BusUnavailable
from conda_store_shared.web.token_reader import KnownToken
from conda_store_shared.web.token_uses import TokenUses
from conda_store_shared.web.tokens import Token

NOW = datetime(2026, 11, 22, 11, 7, 30, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def known(identifier: str | None) -> KnownToken:
    return KnownToken(token=Token(expiration=LATER, primary_namespace="alice"), identifier=identifier)


class Heard:
    """Takes what is said of tokens, as auth does."""

    def __init__(self, bus: MemoryBus) -> None:
        self.envelopes: list[Envelope] = []
        self._came = asyncio.Event()
        bus.subscribe(Subscription(queue=queue_name(AUTH, TokenUsed), handler=self._take))

    async def _take(self, envelope: Envelope) -> None:
        self.envelopes.append(envelope)
        self._came.set()

    async def until(self, count: int) -> list[TokenUsed]:
        """Return the events once there are so many."""
        async with asyncio.timeout(10):
            while len(self.envelopes) < count:
                self._came.clear()
                await self._came.wait()
        return [envelope.event for envelope in self.envelopes if isinstance(envelope.event, TokenUsed)]


@asynccontextmanager
async def running(uses: TokenUses, bus: MemoryBus) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(uses.run()), asyncio.create_task(bus.run())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def test_use_of_a_token_is_said_once_a_minute() -> None:
    bus = MemoryBus()
    heard, uses = Heard(bus), TokenUses(bus, API)
    async with running(uses, bus):
        for after in (0, 1, 59, 60, 61, 200):
            uses.note(known("id-1"), NOW + timedelta(seconds=after))
        uses.note(known("id-2"), NOW)
        events = await heard.until(4)
    assert [(event.token_id, event.used_at - NOW) for event in events] == [
        ("id-1", 0 * MINUTE),
        ("id-1", MINUTE),
        ("id-1", timedelta(seconds=200)),
        ("id-2", 0 * MINUTE),
    ]
    assert {(event.primary_namespace, event.expires_at) for event in events} == {("alice", LATER)}
    assert {envelope.source for envelope in heard.envelopes} == {API}


async def test_use_of_a_predefined_token_is_not_said() -> None:
    bus = MemoryBus()
    heard, uses = Heard(bus), TokenUses(bus, API)
    async with running(uses, bus):
        uses.note(known(None), NOW)
        uses.note(known("id-1"), NOW)
        assert [event.token_id for event in await heard.until(1)] == ["id-1"]


async def test_next_use_is_said_when_the_broker_was_away_for_the_first() -> None:
    class AwayBus(MemoryBus):
        """A bus that takes nothing for a while."""

        def __init__(self) -> None:
            super().__init__()
            self.refused = asyncio.Event()

        async def publish(self, message: EncodedMessage) -> None:
            """Refuse the first message."""
            if not self.refused.is_set():
                self.refused.set()
                raise BusUnavailable("the broker is away")
            await super().publish(message)

    bus = AwayBus()
    heard, uses = Heard(bus), TokenUses(bus, API)
    async with running(uses, bus):
        uses.note(known("id-1"), NOW)
        async with asyncio.timeout(10):
            await bus.refused.wait()
        uses.note(known("id-1"), NOW + timedelta(seconds=1))
        [event] = await heard.until(1)
    assert event.used_at == NOW + timedelta(seconds=1)


async def test_memory_is_bounded_while_nothing_can_be_said() -> None:
    uses = TokenUses(MemoryBus(), API)
    for number in range(20_000):
        uses.note(known(str(number)), NOW)
    assert len(uses._waiting) == len(uses._noted) == 4096
