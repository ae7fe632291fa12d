"""Puts dead messages back into the queue that gave them up (design §4.6)."""

import aio_pika
from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue
from aio_pika.exceptions import ChannelClosed, ChannelNotFoundEntity

from conda_store_shared.bus.options import RabbitOptions
from conda_store_shared.bus.waiting import BROKER_FAILURES, within
from conda_store_shared.contracts.topology import dead_queue_name, durable_queues
from conda_store_shared.errors import BusUnavailable, InvalidInput

# What the broker wrote about the death; a message that goes back begins anew.
_DEATH = ("x-death", "x-first-death", "x-last-death", "x-delivery-count", "x-acquired-count")


async def replay(options: RabbitOptions, queue: str) -> int:
    """Put what is dead of ``queue`` back, oldest first; return how many messages that were.

    Each is taken off the dead queue once the broker has it again: one may come twice, and none is lost.
    Raises InvalidInput for a queue that is none of the suite's, BusUnavailable.
    """
    known = sorted(each.name for each in durable_queues())
    if queue not in known:
        raise InvalidInput(f"there is no queue {queue!r}; the queues are {', '.join(known)}")
    try:
        connection = await within(options.connect_timeout, aio_pika.connect(options.url, heartbeat=options.heartbeat))
        async with connection:
            channel = await within(options.answer_timeout, connection.channel(on_return_raises=True))
            return await _replay(channel, queue, options.answer_timeout)
    except (ChannelNotFoundEntity, ChannelClosed) as error:
        raise InvalidInput(f"the broker has no queue {dead_queue_name(queue)}: no service has started yet") from error
    except BROKER_FAILURES as error:
        raise BusUnavailable(f"the broker does not answer: {error!r}") from error


async def _replay(channel: AbstractChannel, queue: str, timeout: float) -> int:
    dead = await within(timeout, channel.declare_queue(dead_queue_name(queue), passive=True))
    count = 0
    # What dies again meanwhile waits for another call.
    for _ in range(dead.declaration_result.message_count or 0):
        message = await _next(dead, timeout)
        if message is None:
            break
        again = Message(
            message.body,
            headers={name: value for name, value in message.headers.items() if name not in _DEATH},
            content_type=message.content_type,
            delivery_mode=DeliveryMode.PERSISTENT,
            message_id=message.message_id,
        )
        await within(timeout, channel.default_exchange.publish(again, queue, mandatory=True))
        await within(timeout, message.ack())
        count += 1
    return count


async def _next(queue: AbstractQueue, timeout: float) -> AbstractIncomingMessage | None:
    return await within(timeout, queue.get(fail=False, timeout=timeout))
