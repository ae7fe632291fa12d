"""Public events reach the exchange of a real broker, however it fares: cut off, wiped, or back after a while."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

import aio_pika
import pytest
import structlog
from aio_pika.abc import AbstractQueue

from conda_store_api.repositories.event_cursors import count_untold
from conda_store_api.use_cases.relay_events import READER, EventRelay
from conda_store_api.use_cases.take_cursors import settle_cursors
from conda_store_shared.bus.rabbitmq import RabbitBus, RabbitOptions
from conda_store_shared.contracts.topology import API, EVENTS_EXCHANGE
from conda_store_shared.db.models import PublicEvent
from conda_store_shared.testing.bus_messages import eventually, running
from conda_store_shared.testing.public_events import an_event
from conda_store_shared.testing.servers import TcpProxy, VirtualHosts
from tests.unit.api.ledger_builders import Ledger

pytestmark = pytest.mark.timeout(60)


async def record(ledger: Ledger, *environments: str) -> list[str]:
    """Add events to the log; return the ids of their messages."""
    async with ledger.transactions.begin() as transaction:
        for environment in environments:
            transaction.record(an_event(environment=environment))
    rows = sorted(await ledger.rows(PublicEvent), key=lambda row: row.id)
    return [f"evt_{row.id}" for row in rows[-len(environments) :]]


@asynccontextmanager
async def hearing(url: str) -> AsyncIterator[AbstractQueue]:
    """A queue that hears everything, of the user who may do no more."""
    async with await aio_pika.connect(url) as connection:
        queue = await (await connection.channel()).declare_queue("events.ear", exclusive=True)
        await queue.bind(EVENTS_EXCHANGE, "#")
        yield queue


async def heard(queue: AbstractQueue, last: str) -> list[str]:
    """The ids of what comes, each once, up to a last one."""
    ids: list[str] = []
    async with asyncio.timeout(30):
        while last not in ids:
            message = await queue.get(no_ack=True, fail=False)
            if message is None:
                await asyncio.sleep(0.02)  # it tells only when asked
            elif message.message_id not in ids:
                ids.append(message.message_id or "")
    return ids


@asynccontextmanager
async def relaying(ledger: Ledger, url: str) -> AsyncIterator[EventRelay]:
    """Api's relay over a broker."""
    options = RabbitOptions(url=url, service=API, publish_timeout=1, connect_timeout=2, answer_timeout=2)
    bus = RabbitBus(options)
    relay = EventRelay(ledger.transactions, bus, "")
    await settle_cursors(ledger.transactions, {READER: None})
    async with running(bus):
        task = asyncio.create_task(relay.run())
        try:
            yield relay
            assert not task.done()
            # A bus that is stopped while it connects may take long to end.
            await eventually(lambda: bus.healthy)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def untold(ledger: Ledger) -> int:
    """How many events the exchange has not been told of."""
    async with ledger.database.session() as session:
        return sum(waiting.count for waiting in await count_untold(session))


async def told_of_everything(ledger: Ledger, relay: EventRelay) -> None:
    """Return once the exchange has been told of everything."""
    async with asyncio.timeout(30):
        while await untold(ledger):
            relay.wake.set()
            await asyncio.sleep(0.02)  # the database tells only when asked


async def test_nothing_is_lost_while_the_broker_is_away(
    ledger: Ledger, rabbitmq_server: VirtualHosts, amqp_url: str
) -> None:
    users = rabbitmq_server.narrow(amqp_url)
    place = urlsplit(users["api"])
    with TcpProxy(place.port or 0) as proxy:
        account = place.netloc.rpartition("@")[0]
        through = urlunsplit(place._replace(netloc=f"{account}@127.0.0.1:{proxy.port}"))
        async with hearing(users["events"]) as queue, relaying(ledger, through) as relay:
            first = await record(ledger, "before")
            relay.wake.set()
            assert await heard(queue, first[-1]) == first
            proxy.refuse = True
            proxy.cut()
            with structlog.testing.capture_logs() as logged:
                meanwhile = await record(ledger, "one", "two", "three")
                relay.wake.set()
                await eventually(lambda: any(line["event"] == "event_relay_waits" for line in logged))
            assert await untold(ledger) == 3
            proxy.heal()
            after = await record(ledger, "after")
            assert await heard(queue, after[-1]) == [*meanwhile, *after]
            await told_of_everything(ledger, relay)


async def test_exchange_is_made_anew_when_the_broker_has_lost_everything(
    ledger: Ledger, rabbitmq_server: VirtualHosts, amqp_url: str
) -> None:
    async with relaying(ledger, amqp_url) as relay:
        await record(ledger, "before")
        await told_of_everything(ledger, relay)
        rabbitmq_server.empty_vhost(amqp_url)
        await record(ledger, "meanwhile")
        await told_of_everything(ledger, relay)
        async with hearing(amqp_url) as queue:
            ids = await record(ledger, "after")
            relay.wake.set()
            assert await heard(queue, ids[-1]) == ids
