"""The exchange of public events on a real broker: who may hear it, and that it costs other messages nothing."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping

import aio_pika
import httpx
import pytest
from aio_pika.abc import AbstractChannel

from conda_store_shared.bus.port import Subscription
from conda_store_shared.bus.rabbitmq import RabbitBus, RabbitOptions
from conda_store_shared.contracts.envelope import EncodedMessage
from conda_store_shared.contracts.events import LockfileSolved
from conda_store_shared.contracts.topology import (
    API,
    DEAD_LETTER_EXCHANGE,
    EVENTS_EXCHANGE,
    EXCHANGE,
    SOLVER,
    dead_queue_name,
    queue_name,
)
from conda_store_shared.errors import BusUnavailable
from conda_store_shared.testing.bus_messages import SOLVE_QUEUE, Recorder, a_solve_request, running
from conda_store_shared.testing.servers import VirtualHosts
from tests.integration.shared.broker_user import Act, User, a_bus, on_queue, publishing


async def test_consumer_of_events_takes_what_api_tells_and_does_nothing_else(
    rabbitmq_server: VirtualHosts, amqp_url: str
) -> None:
    urls = rabbitmq_server.narrow(amqp_url)
    api, solver = a_bus(urls, API), a_bus(urls, SOLVER)
    async with running(api, solver), await aio_pika.connect(urls["events"]) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("events.ci", durable=True, arguments={"x-queue-type": "quorum"})
        await queue.bind(EVENTS_EXCHANGE, "build.completed.#")
        await api.tell(a_public_message("build.failed.team.weather"))
        await api.tell(a_public_message("build.completed.team.weather"))
        message = await queue.get(timeout=10)
        assert (message.routing_key, message.delivery_mode, message.message_id) == (
            "build.completed.team.weather", aio_pika.DeliveryMode.PERSISTENT, "evt_7",
        )  # fmt: skip
        assert (message.content_type, message.type) == ("application/cloudevents+json; charset=utf-8", "some.type")
        await message.ack()

        user = User(connection)
        foreign = [SOLVE_QUEUE, dead_queue_name(SOLVE_QUEUE), queue_name(API, LockfileSolved)]
        done = [(name, verb) for name in foreign for verb, act in on_queue(name).items() if await user.may(act)]
        assert done == []
        acts: Mapping[str, Act] = {
            "publish": publishing(EVENTS_EXCHANGE, "build.completed.team.weather"),
            "publish to services": publishing(EXCHANGE, "solve.requested"),
            "publish to its own queue": publishing("", "events.ci"),
            "delete": lambda channel: channel.exchange_delete(EVENTS_EXCHANGE),
            "declare": lambda channel: channel.declare_exchange(EVENTS_EXCHANGE, aio_pika.ExchangeType.TOPIC),
            "foreign queue": lambda channel: channel.declare_queue("mine", exclusive=True),
            "named by the broker": lambda channel: channel.declare_queue("", exclusive=True),
            "dead letters to services": lambda channel: channel.declare_queue(
                "events.dead", arguments={"x-dead-letter-exchange": EXCHANGE}
            ),
            "hear services": bind("events.ci", EXCHANGE, "solve.requested"),
            "hear dead letters": bind("events.ci", DEAD_LETTER_EXCHANGE, SOLVE_QUEUE),
        }
        assert [name for name, act in acts.items() if await user.may(act)] == []


def bind(name: str, exchange: str, routing_key: str) -> Act:
    """Bind a queue to an exchange."""

    async def act(channel: AbstractChannel) -> None:
        await (await channel.get_queue(name, ensure=False)).bind(exchange, routing_key)

    return act


async def test_messages_go_on_when_the_broker_has_the_users_of_an_older_release(
    rabbitmq_server: VirtualHosts, amqp_url: str
) -> None:
    urls, vhost = rabbitmq_server.narrow(amqp_url), amqp_url.rpartition("/")[2]
    async with httpx.AsyncClient(
        base_url=f"{rabbitmq_server.management_address}/api", auth=("guest", "guest"), timeout=20
    ) as client:
        old = (await client.get(f"/permissions/{vhost}/api")).json()
        for name in ("configure", "write"):
            old[name] = old[name].replace("|^conda-store[.]events$", "")
        (await client.put(f"/permissions/{vhost}/api", json=old)).raise_for_status()
        (await client.delete(f"/exchanges/{vhost}/{EVENTS_EXCHANGE}")).raise_for_status()
        api, solver, handled = a_bus(urls, API), RabbitBus(RabbitOptions(url=urls[SOLVER], service=SOLVER)), Recorder()
        solver.subscribe(Subscription(handler=handled, queue=SOLVE_QUEUE))
        async with running(api, solver):
            with pytest.raises(BusUnavailable, match=r"load the definitions of this release .*make_definitions"):
                await api.tell(a_public_message("build.completed.team.weather"))
            await api.publish(a_solve_request(1))
            await handled.wait_for(1)
            new = {**old, "configure": ".*", "write": ".*"}
            (await client.put(f"/permissions/{vhost}/api", json=new)).raise_for_status()
            await settles(lambda: api.tell(a_public_message("build.completed.team.weather")))
    async with await aio_pika.connect(urls["events"]) as connection:
        queue = await (await connection.channel()).declare_queue("events.ci", exclusive=True)
        await queue.bind(EVENTS_EXCHANGE, "#")


async def settles(act: Callable[[], Awaitable[None]]) -> None:
    """Do it once the broker has heard of other rights."""
    async with asyncio.timeout(15):
        while True:
            with contextlib.suppress(BusUnavailable):
                return await act()


def a_public_message(routing_key: str) -> EncodedMessage:
    """A public event as it is told."""
    return EncodedMessage(message_id="evt_7", routing_key=routing_key, headers={"type": "some.type"}, body=b"{}")
