"""Publish with the broker's confirmation, many at once over one channel."""

import asyncio
from dataclasses import dataclass

import structlog
from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractConnection, AbstractExchange
from aio_pika.exceptions import DeliveryError, PublishError

from conda_store_shared.bus.options import RabbitOptions
from conda_store_shared.bus.waiting import BROKER_FAILURES, unleaked, when_closed, within
from conda_store_shared.contracts.envelope import CONTENT_TYPE, EncodedMessage
from conda_store_shared.contracts.topology import EXCHANGE, ROUTES
from conda_store_shared.errors import BusUnavailable, QueueMissing

_log = structlog.get_logger(__name__)

# Nobody may be there to hear a broadcast.
_BROADCASTS = frozenset(route.event.routing_key for route in ROUTES if route.broadcast)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Line:
    """Where to publish now; ``lost`` is done once that is over."""

    exchange: AbstractExchange
    lost: "asyncio.Future[str]"


class Publisher:
    """Publishes over the connection it is serving; while there is none, ``publish`` waits for the next."""

    def __init__(self, options: RabbitOptions) -> None:
        self._options = options
        self._connected = asyncio.Event()
        self._line: _Line | None = None

    @property
    def is_connected(self) -> bool:
        """Whether a message would be sent at once."""
        return self._connected.is_set()

    async def connected(self) -> None:
        """Return once a message would be sent at once."""
        await self._connected.wait()

    async def serve(self, connection: AbstractConnection) -> None:
        """Publish over this connection until it fails; raises ConnectionError then."""
        channel = await within(self._options.answer_timeout, connection.channel(on_return_raises=True))
        exchange = await channel.get_exchange(EXCHANGE, ensure=False)
        line = self._line = _Line(exchange=exchange, lost=when_closed(channel))
        self._connected.set()
        try:
            raise ConnectionError(await line.lost)
        finally:
            self._connected.clear()

    async def publish(self, message: EncodedMessage) -> None:
        """Return when the broker has the message; raises BusUnavailable when it does not say so in time.

        Raises QueueMissing when the broker gave it back because no queue takes it.
        """
        try:
            async with asyncio.timeout(self._options.publish_timeout):
                while not await self._send(message):
                    _log.info("publish_repeated", routing_key=message.routing_key, message_id=message.message_id)
        except TimeoutError as error:
            waited = self._options.publish_timeout
            raise BusUnavailable(f"the broker did not take {message.routing_key} within {waited:g} s") from error

    async def _send(self, message: EncodedMessage) -> bool:
        """Whether the broker confirmed the message before the connection went away."""
        await self._connected.wait()
        line = self._line
        if line is None:
            return False
        started = asyncio.get_running_loop().time()
        try:
            await unleaked(
                line.exchange.publish(_encode(message), message.routing_key, mandatory=_is_mandatory(message))
            )
        except PublishError as error:
            raise QueueMissing(f"no queue takes {message.routing_key} yet: its consumer has not started") from error
        except DeliveryError as error:
            _log.error("message_refused", routing_key=message.routing_key, reason=str(error))
            raise BusUnavailable(f"the broker refused {message.routing_key}: {error}") from error
        except BROKER_FAILURES as error:
            self._give_up(line, repr(error))
            return False
        except asyncio.CancelledError:
            # Long without an answer on a connection that looks alive: the next one may do better.
            if asyncio.get_running_loop().time() - started > self._options.publish_timeout / 2:
                self._give_up(line, "the broker confirms nothing")
            raise
        return True

    def _give_up(self, line: "_Line", reason: str) -> None:
        if line is self._line:
            self._connected.clear()
        if not line.lost.done():
            line.lost.set_result(reason)


def _is_mandatory(message: EncodedMessage) -> bool:
    return message.routing_key not in _BROADCASTS


def _encode(message: EncodedMessage) -> Message:
    return Message(
        message.body,
        headers=dict(message.headers),
        content_type=CONTENT_TYPE,
        delivery_mode=DeliveryMode.PERSISTENT,
        message_id=message.message_id,
    )
