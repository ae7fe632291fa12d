"""Declare what a process consumes: a queue comes with its consumer, and who publishes before that keeps the message."""

from collections.abc import Collection

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import ChannelNotFoundEntity

from conda_store_shared.bus.waiting import within
from conda_store_shared.contracts.topology import (
    DEAD_LETTER_EXCHANGE,
    DELIVERY_LIMIT,
    EXCHANGE,
    Queue,
    dead_queue_name,
    durable_queues,
)

_EXCHANGES = {EXCHANGE: ExchangeType.TOPIC, DEAD_LETTER_EXCHANGE: ExchangeType.DIRECT}
# What is dead is kept until somebody takes it; without a limit of its own RabbitMQ 4 would drop it after 20 deliveries.
_DEAD_DELIVERY_LIMIT = 1_000_000_000


async def declare_exchanges(connection: AbstractConnection, timeout: float) -> None:
    """Make the exchanges where they are missing, which takes the right to; wait ``timeout`` seconds for each answer."""
    for name, kind in _EXCHANGES.items():
        channel = await within(timeout, connection.channel(publisher_confirms=False))
        try:
            await within(timeout, channel.declare_exchange(name, passive=True))
        except ChannelNotFoundEntity:
            # The broker has closed the channel with its answer.
            channel = await within(timeout, connection.channel(publisher_confirms=False))
            await within(timeout, channel.declare_exchange(name, kind, durable=True))
        await within(timeout, channel.close())


async def declare_queues(connection: AbstractConnection, consumed: Collection[str], timeout: float) -> None:
    """Declare and bind the queues of these names, each with its dead-letter queue, or that alone by its own name.

    Waits ``timeout`` seconds for each answer.
    """
    channel = await within(timeout, connection.channel(publisher_confirms=False))
    for queue in durable_queues():
        if queue.name in consumed or dead_queue_name(queue.name) in consumed:
            await _declare_dead_queue(channel, queue, timeout)
        if queue.name in consumed:
            await _declare_queue(channel, queue, timeout)
    await within(timeout, channel.close())


async def _declare_queue(channel: AbstractChannel, queue: Queue, timeout: float) -> None:
    declared = await within(
        timeout,
        channel.declare_queue(
            queue.name,
            durable=True,
            arguments={
                "x-queue-type": "quorum",
                "x-delivery-limit": DELIVERY_LIMIT,
                "x-dead-letter-exchange": DEAD_LETTER_EXCHANGE,
                "x-dead-letter-routing-key": queue.name,
            },
        ),
    )
    await within(timeout, declared.bind(EXCHANGE, queue.routing_key))


async def _declare_dead_queue(channel: AbstractChannel, queue: Queue, timeout: float) -> None:
    declared = await within(
        timeout,
        channel.declare_queue(
            dead_queue_name(queue.name),
            durable=True,
            arguments={"x-queue-type": "quorum", "x-delivery-limit": _DEAD_DELIVERY_LIMIT},
        ),
    )
    await within(timeout, declared.bind(DEAD_LETTER_EXCHANGE, queue.name))
