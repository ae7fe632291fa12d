"""Public events on their exchange, over the connection that publishes, on a channel of their own.

A broker that refuses them, such as one whose users are those of an older release, costs the messages between services
nothing: it closes that channel alone.
"""

import asyncio

from aio_pika import DeliveryMode, ExchangeType, Message
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange
from aio_pika.exceptions import ChannelNotFoundEntity
from aiormq.exceptions import ChannelAccessRefused

from conda_store_shared.bus.waiting import BROKER_FAILURES, unleaked, within
from conda_store_shared.contracts.envelope import EncodedMessage
from conda_store_shared.contracts.event_schema import CLOUD_EVENTS_TYPE
from conda_store_shared.contracts.topology import EVENTS_EXCHANGE
from conda_store_shared.errors import BusUnavailable


class EventExchange:
    """Publishes public events in the order in which it is asked to; declares their exchange where it is missing."""

    def __init__(self, answer_timeout: float) -> None:
        self._timeout = answer_timeout
        self._exchange: AbstractExchange | None = None
        self._channel: AbstractChannel | None = None
        self._connection: AbstractConnection | None = None
        self._opening = asyncio.Lock()

    async def publish(self, connection: AbstractConnection, message: EncodedMessage) -> None:
        """Return when the broker has the event, whether or not anybody is bound to it; raises BusUnavailable."""
        try:
            async with self._opening:
                exchange = await self._opened(connection)
            await unleaked(exchange.publish(_encode(message), message.routing_key, mandatory=False))
        except ChannelAccessRefused as error:
            self._exchange = None
            raise BusUnavailable(
                f"the broker refuses public events: {error}; load the definitions of this release "
                "(deploy/rabbitmq/make_definitions.sh)"
            ) from error
        except BROKER_FAILURES as error:
            self._exchange = None
            raise BusUnavailable(f"the broker did not take a public event: {error!r}") from error

    async def _opened(self, connection: AbstractConnection) -> AbstractExchange:
        is_lost = self._channel is None or self._channel.is_closed or self._connection is not connection
        if self._exchange is None or is_lost:
            self._exchange = await self._open(connection)
            self._connection = connection
        return self._exchange

    async def _open(self, connection: AbstractConnection) -> AbstractExchange:
        try:
            return await self._declare(connection, passive=True)
        except ChannelNotFoundEntity:
            # The broker has closed the channel with its answer.
            return await self._declare(connection, passive=False)

    async def _declare(self, connection: AbstractConnection, *, passive: bool) -> AbstractExchange:
        channel = self._channel = await within(self._timeout, connection.channel())
        declared = channel.declare_exchange(EVENTS_EXCHANGE, ExchangeType.TOPIC, durable=True, passive=passive)
        return await within(self._timeout, declared)


def _encode(message: EncodedMessage) -> Message:
    return Message(
        message.body,
        content_type=f"{CLOUD_EVENTS_TYPE}; charset=utf-8",
        delivery_mode=DeliveryMode.PERSISTENT,
        message_id=message.message_id,
        type=message.headers["type"],
        app_id="conda-store",
    )
