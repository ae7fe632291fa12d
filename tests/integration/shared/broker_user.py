"""What a user of the broker may do, found out by doing it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aio_pika.exceptions import ChannelPreconditionFailed
from aiormq.exceptions import ChannelAccessRefused

from conda_store_shared.bus.port import Subscription
from conda_store_shared.bus.rabbitmq import RabbitBus, RabbitOptions
from conda_store_shared.contracts.topology import EXCHANGE, ROUTES, queue_name
from conda_store_shared.testing.suites.bus_suite import for_ever

Act = Callable[[AbstractChannel], Awaitable[object]]


def a_bus(urls: Mapping[str, str], service: str) -> RabbitBus:
    """The bus of a service that takes all that is meant for it."""
    bus = RabbitBus(RabbitOptions(url=urls[service], service=service, publish_timeout=5))
    for route in ROUTES:
        if service in route.consumers:
            place = {"event": route.event} if route.broadcast else {"queue": queue_name(service, route.event)}
            bus.subscribe(Subscription(handler=for_ever, **place))
    return bus


class User:
    """One user's connection."""

    def __init__(self, connection: AbstractConnection) -> None:
        self.connection = connection

    async def may(self, act: Act) -> bool:
        """Whether the broker lets the user do it."""
        channel = await self.connection.channel(on_return_raises=False)
        try:
            await asyncio.wait_for(act(channel), 10)
        except ChannelAccessRefused:
            return False
        except ChannelPreconditionFailed:
            # Whether a queue is declared as before is asked of those only who may declare it.
            return True
        await channel.close()
        return True


async def ignore(_message: AbstractIncomingMessage) -> None:
    """Do nothing with a message."""


def publishing(exchange: str, routing_key: str) -> Act:
    """Publish to an exchange; the empty name is that by which queues are named."""

    async def publish(channel: AbstractChannel) -> None:
        place = await channel.get_exchange(exchange, ensure=False) if exchange else channel.default_exchange
        await place.publish(aio_pika.Message(b"{}"), routing_key, mandatory=False)

    return publish


def on_queue(name: str) -> Mapping[str, Act]:
    """What may be done to a queue."""

    async def get(channel: AbstractChannel) -> None:
        await (await channel.get_queue(name, ensure=False)).get(fail=False)

    async def consume(channel: AbstractChannel) -> None:
        await (await channel.get_queue(name, ensure=False)).consume(ignore)

    async def purge(channel: AbstractChannel) -> None:
        await (await channel.get_queue(name, ensure=False)).purge()

    async def bind(channel: AbstractChannel) -> None:
        await (await channel.get_queue(name, ensure=False)).bind(EXCHANGE, "log.written")

    async def unbind(channel: AbstractChannel) -> None:
        await (await channel.get_queue(name, ensure=False)).unbind(EXCHANGE, "log.written")

    async def declare(channel: AbstractChannel) -> None:
        await channel.declare_queue(name, durable=True, arguments={"x-queue-type": "quorum"})

    return {
        "get": get,
        "consume": consume,
        "purge": purge,
        "bind": bind,
        "unbind": unbind,
        "declare": declare,
        "delete": lambda channel: channel.queue_delete(name),
        "publish": publishing("", name),
    }
