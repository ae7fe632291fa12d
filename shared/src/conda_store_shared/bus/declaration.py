"""Declare the whole topology, every service's queues included, so that no message is lost whoever starts first."""

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange

from conda_store_shared.bus.waiting import within
from conda_store_shared.contracts.topology import (
    DEAD_LETTER_EXCHANGE,
    DELIVERY_LIMIT,
    EXCHANGE,
    Queue,
    dead_queue_name,
    durable_queues,
)

# What is dead is kept until somebody takes it; without a limit of its own RabbitMQ 4 would drop it after 20 deliveries.
_DEAD_DELIVERY_LIMIT = 1_000_000_000


async def declare_topology(connection: AbstractConnection, timeout: float) -> None:
    """Declare exchanges, queues and dead-letter queues; waits at most ``timeout`` seconds for each answer."""
    channel = await within(timeout, connection.channel(publisher_confirms=False))
    exchange = await within(timeout, channel.declare_exchange(EXCHANGE, ExchangeType.TOPIC, durable=True))
    dead = await within(timeout, channel.declare_exchange(DEAD_LETTER_EXCHANGE, ExchangeType.DIRECT, durable=True))
    for queue in durable_queues():
        await _declare_dead_queue(channel, dead, queue, timeout)
        await _declare_queue(channel, exchange, queue, timeout)
    await within(timeout, channel.close())


async def _declare_queue(channel: AbstractChannel, exchange: AbstractExchange, queue: Queue, timeout: float) -> None:
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
    await within(timeout, declared.bind(exchange, queue.routing_key))


async def _declare_dead_queue(channel: AbstractChannel, dead: AbstractExchange, queue: Queue, timeout: float) -> None:
    declared = await within(
        timeout,
        channel.declare_queue(
            dead_queue_name(queue.name),
            durable=True,
            arguments={"x-queue-type": "quorum", "x-delivery-limit": _DEAD_DELIVERY_LIMIT},
        ),
    )
    await within(timeout, declared.bind(dead, queue.name))
