"""The broker of the tests: virtual hosts, crashes, and a deleted data directory."""

import asyncio
from collections.abc import Iterator

import aio_pika
import pytest
from pamqp.common import FieldTable

from conda_store_shared.testing.servers import RabbitMQ, VirtualHosts

QUORUM: FieldTable = {"x-queue-type": "quorum"}
# A quorum queue declared less than about a second before the broker is killed never answers again.
SETTLE = 2.0


@pytest.fixture(scope="module")
def broker() -> Iterator[RabbitMQ]:
    """A broker that may be killed."""
    with RabbitMQ(consumer_timeout=60) as broker:
        yield broker


async def put(url: str, queue: str, body: bytes) -> None:
    """Declare the queue and leave one confirmed, persistent message in it."""
    async with await aio_pika.connect(url) as connection, connection.channel() as channel:
        await channel.declare_queue(queue, durable=True, arguments=QUORUM)
        message = aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, routing_key=queue, timeout=10)


async def take(url: str, queue: str) -> bytes | None:
    """The next message of the queue, made anew if it is not there; None if it is empty."""
    async with await aio_pika.connect(url) as connection, connection.channel() as channel:
        declared = await channel.declare_queue(queue, durable=True, arguments=QUORUM)
        message = await declared.get(fail=False, timeout=10, no_ack=True)
        return None if message is None else message.body


async def test_virtual_hosts_know_nothing_of_each_other(amqp_url: str, rabbitmq_server: VirtualHosts) -> None:
    other = rabbitmq_server.create_vhost()
    await put(amqp_url, "work", b"one")
    assert await take(other, "work") is None
    assert await take(amqp_url, "work") == b"one"
    rabbitmq_server.delete_vhost(other)


async def test_message_is_still_there_when_the_broker_was_killed(broker: RabbitMQ) -> None:
    url = broker.create_vhost()
    await put(url, "work", b"one")
    await asyncio.sleep(SETTLE)
    broker.kill()
    with pytest.raises(OSError, match="onnect"):
        await aio_pika.connect(url, timeout=5)
    broker.start()
    assert await take(url, "work") == b"one"


async def test_queues_are_gone_and_hosts_are_back_when_the_broker_was_wiped(broker: RabbitMQ) -> None:
    url = broker.create_vhost()
    await put(url, "work", b"one")
    broker.wipe()
    assert await take(url, "work") is None


async def test_paused_broker_answers_nothing_until_resumed(broker: RabbitMQ) -> None:
    url = broker.create_vhost()
    broker.pause()
    with pytest.raises(TimeoutError):
        await aio_pika.connect(url, timeout=1)
    broker.resume()
    await put(url, "work", b"one")
    assert await take(url, "work") == b"one"
