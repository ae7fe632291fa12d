"""Public events go to their exchange in the order of the log, none left out, whatever the broker does."""

import json

import pytest
from sqlalchemy import text

from conda_store_api.repositories.event_cursors import count_untold, find_position, move_cursor
from conda_store_api.use_cases.relay_events import BATCH, READER, EventRelay
from conda_store_api.use_cases.take_cursors import settle_cursors
from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.contracts.envelope import EncodedMessage
from conda_store_shared.contracts.event_routing import LONGEST_WORD, event_routing_key
from conda_store_shared.domain.public_event import PublicEventType
from conda_store_shared.errors import BusUnavailable
from conda_store_shared.testing.public_events import an_event
from tests.unit.api.ledger_builders import Ledger

COMPLETED = PublicEventType.BUILD_COMPLETED


class Exchange(MemoryBus):
    """Notes what is told; takes nothing more than it may."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[EncodedMessage] = []
        self.takes = 10 * BATCH

    async def tell(self, event: EncodedMessage) -> None:
        if len(self.told) >= self.takes:
            raise BusUnavailable("the broker is away")
        self.told.append(event)

    @property
    def ids(self) -> list[str]:
        """The ids of the messages, in order."""
        return [message.message_id for message in self.told]


async def relaying(ledger: Ledger) -> tuple[Exchange, EventRelay]:
    """A relay that has come to the end of the log."""
    exchange = Exchange()
    await settle_cursors(ledger.transactions, {READER: None})
    return exchange, EventRelay(ledger.transactions, exchange, "/conda")


async def record(ledger: Ledger, count: int) -> list[str]:
    """Add events to the log; return their ids as messages have them."""
    async with ledger.transactions.begin() as transaction:
        for number in range(count):
            transaction.record(an_event(environment=f"e{number}"))
    rows = await ledger.rows(type(an_event()))
    return [f"evt_{row.id}" for row in sorted(rows, key=lambda row: row.id)][-count:]


async def test_event_is_told_as_the_api_shows_it(ledger: Ledger) -> None:
    exchange, relay = await relaying(ledger)
    [event_id] = await record(ledger, 1)
    assert not await relay.publish_batch()
    [message] = exchange.told
    event = json.loads(message.body)
    assert (message.message_id, f"evt_{event['id']}") == (event_id, event_id)
    assert (message.routing_key, message.headers["type"]) == ("build.completed.team.e0", event["type"])
    assert (event["time"], event["data"]["links"]["build"]) == ("2026-11-22T12:00:00Z", "/conda/api/v1/build/7/")


async def test_relay_goes_on_behind_what_was_confirmed_when_the_broker_was_away(ledger: Ledger) -> None:
    exchange, relay = await relaying(ledger)
    ids = await record(ledger, 5)
    exchange.takes = 2
    with pytest.raises(BusUnavailable):
        await relay.publish_batch()
    async with ledger.database.session() as session:
        [untold] = await count_untold(session)
    assert (untold.kind, untold.count) == ((READER,), 3)
    exchange.takes = 10
    await relay.publish_batch()
    assert exchange.ids == ids


async def test_relay_tells_of_more_than_fits_into_a_batch_in_order(ledger: Ledger) -> None:
    exchange, relay = await relaying(ledger)
    ids = await record(ledger, BATCH + 3)
    assert await relay.publish_batch()
    assert not await relay.publish_batch()
    assert exchange.ids == ids


async def test_event_comes_again_with_its_id_when_nobody_noted_that_it_was_told(ledger: Ledger) -> None:
    exchange, relay = await relaying(ledger)
    async with ledger.database.session() as session:
        before = await find_position(session, READER)
    ids = await record(ledger, 2)
    await relay.publish_batch()
    async with ledger.transactions.begin() as transaction:
        await move_cursor(transaction.session, READER, int(ids[-1].removeprefix("evt_")), before or 0)
    await relay.publish_batch()
    assert exchange.ids == [*ids, *ids]


async def test_relay_waits_for_one_that_is_upgraded_when_an_event_is_of_a_later_release(ledger: Ledger) -> None:
    exchange, relay = await relaying(ledger)
    ids = await record(ledger, 2)
    async with ledger.transactions.begin() as transaction:
        unknown = "INSERT INTO event (type, time, namespace, data) VALUES ('build.sung', :now, 'team', '{}')"
        await transaction.session.execute(text(unknown), {"now": ledger.now})
    await record(ledger, 1)
    assert not await relay.publish_batch()
    assert not await relay.publish_batch()
    assert exchange.ids == ids


async def test_relay_begins_with_what_comes_when_the_log_is_older_than_it(ledger: Ledger) -> None:
    await record(ledger, 3)
    exchange, relay = await relaying(ledger)
    ids = await record(ledger, 1)
    await relay.publish_batch()
    assert exchange.ids == ids


@pytest.mark.parametrize(
    ("kind", "place", "key"),
    [
        (COMPLETED, ("team", "weather"), "build.completed.team.weather"),
        (COMPLETED, ("a.b", "py3.11"), "build.completed.a%2Eb.py3%2E11"),
        (PublicEventType.NAMESPACE_CREATED, ("team", None), "namespace.created.team"),
        (PublicEventType.CHANNEL_INDEXED, ("", None), "channel.indexed"),
        (COMPLETED, ("t", "x" * (LONGEST_WORD + 1)), "build.completed.t.c675a2e604b0cd1229c036e3ce0c8742"),
    ],
)
def test_routing_key_has_a_word_for_each_part_of_the_place(
    kind: PublicEventType, place: tuple[str, str | None], key: str
) -> None:
    assert event_routing_key(kind, *place) == key


def test_routing_key_fits_whatever_the_names_are() -> None:
    keys = [event_routing_key(kind, "." * 255, "ä" * 255) for kind in PublicEventType]
    assert max(len(key.encode()) for key in keys) <= 255
