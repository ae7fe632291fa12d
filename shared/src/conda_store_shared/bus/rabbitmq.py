"""The bus over RabbitMQ: one connection that publishes, one that consumes, each rebuilt when it fails."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence

from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import ChannelNotFoundEntity

from conda_store_shared.bus.connection import SupervisedConnection
from conda_store_shared.bus.consumer import call_each
from conda_store_shared.bus.declaration import declare_exchanges, declare_queues
from conda_store_shared.bus.event_exchange import EventExchange
from conda_store_shared.bus.options import RabbitOptions
from conda_store_shared.bus.port import Connected, QueueState, Subscription
from conda_store_shared.bus.publisher import Publisher
from conda_store_shared.bus.sending import sending
from conda_store_shared.bus.slot import QueueConsumer
from conda_store_shared.bus.waiting import BROKER_FAILURES, within
from conda_store_shared.contracts.envelope import EncodedMessage
from conda_store_shared.errors import BusUnavailable, QueueMissing

__all__ = ["RabbitBus", "RabbitOptions"]


class RabbitBus:
    """A ``Bus`` over RabbitMQ.

    Two connections, because a broker short of memory or disk stops reading from one that publishes, and would not see
    the acknowledgements on it.
    """

    def __init__(self, options: RabbitOptions) -> None:
        self._options = options
        self._publisher = Publisher(options)
        self._events = EventExchange(options.answer_timeout)
        self._consumers: list[QueueConsumer] = []
        self._callbacks: list[Connected] = []
        self._publishing = SupervisedConnection(options, "publishing", self._serve_publisher)
        self._consuming = SupervisedConnection(options, "consuming", self._serve_consumers)
        self._is_consuming = False
        self._is_drained = False

    async def publish(self, message: EncodedMessage) -> None:
        """Return when the broker has taken the message; waits ``publish_timeout`` for that, then BusUnavailable."""
        with sending(message) as sent:
            await self._publisher.publish(sent)

    async def tell(self, event: EncodedMessage) -> None:
        """Return when the broker has taken a public event; waits ``publish_timeout`` for that, then BusUnavailable."""
        try:
            async with asyncio.timeout(self._options.publish_timeout):
                await self._publisher.connected()
                await self._events.publish(self._publishing.connection, event)
        except (TimeoutError, ConnectionError) as error:
            waited = self._options.publish_timeout
            raise BusUnavailable(f"the broker did not take {event.routing_key} within {waited:g} s") from error

    def subscribe(self, subscription: Subscription) -> None:
        """Add a subscription; before ``run``."""
        self._consumers.append(QueueConsumer(subscription, self._options))

    def on_connected(self, callback: Connected) -> None:
        """Call ``callback`` each time publishing and consuming work again; before ``run``."""
        self._callbacks.append(callback)

    async def run(self) -> None:
        """Keep both connections until cancelled; handlers under way are then cancelled, and may still publish."""
        async with asyncio.TaskGroup() as group:
            publishing = group.create_task(self._publishing.run())
            try:
                await self._consuming.run()
            finally:
                await asyncio.gather(*(consumer.end() for consumer in self._consumers))
                await self._consuming.close()
                publishing.cancel()
                await asyncio.wait({publishing})
                await self._publishing.close()

    async def drain(self) -> None:
        """Take no more messages; those not begun go back to the broker, handlers under way go on."""
        self._is_drained = True
        await asyncio.gather(*(consumer.drain() for consumer in self._consumers))

    async def depth(self, queue: str) -> int:
        """Messages waiting in ``queue``, those being handled left out; raises QueueMissing, BusUnavailable."""
        return (await self._look_at(queue)).messages

    async def consumers(self, queue: str) -> int:
        """How many messages of ``queue`` all processes together handle at once; raises QueueMissing, BusUnavailable."""
        return (await self._look_at(queue)).consumers

    async def _look_at(self, queue: str) -> QueueState:
        state = (await self.look([queue])).get(queue)
        if state is None:
            raise QueueMissing(f"there is no queue {queue} yet: its consumer has not started")
        return state

    async def look(self, queues: Sequence[str]) -> Mapping[str, QueueState]:
        """The state of each of ``queues`` that there is; raises BusUnavailable."""
        try:
            return await within(self._options.publish_timeout, self._states(queues))
        except BROKER_FAILURES as error:
            raise BusUnavailable(f"the broker tells nothing of {', '.join(queues)}: {error!r}") from error

    @property
    def healthy(self) -> bool:
        """Whether messages can be published and are being consumed now."""
        return self._publisher.is_connected and self._is_consuming and not self._is_drained

    async def _serve_publisher(self, connection: AbstractConnection) -> None:
        await declare_exchanges(connection, self._options.answer_timeout)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._publisher.serve(connection))
            await self._publisher.connected()
            await self._announce()

    async def _serve_consumers(self, connection: AbstractConnection) -> None:
        await declare_exchanges(connection, self._options.answer_timeout)
        await declare_queues(connection, self._consumed, self._options.answer_timeout)
        try:
            async with asyncio.TaskGroup() as group:
                for consumer in self._consumers:
                    group.create_task(consumer.serve(connection))
                for consumer in self._consumers:
                    await consumer.ready.wait()
                self._is_consuming = True
                await self._announce()
                await asyncio.Event().wait()
        finally:
            self._is_consuming = False

    @property
    def _consumed(self) -> set[str]:
        queues = (consumer.subscription.queue for consumer in self._consumers)
        return {queue for queue in queues if queue is not None}

    async def _announce(self) -> None:
        if self.healthy:
            await call_each(self._callbacks)

    async def _states(self, queues: Sequence[str]) -> dict[str, QueueState]:
        await self._publisher.connected()
        found: dict[str, QueueState] = {}
        remaining = list(queues)
        while remaining:
            channel = await within(
                self._options.answer_timeout, self._publishing.connection.channel(publisher_confirms=False)
            )
            # The broker answers to the name of a queue that is not there by closing the channel.
            with contextlib.suppress(ChannelNotFoundEntity):
                while remaining:
                    result = (await channel.declare_queue(name := remaining.pop(), passive=True)).declaration_result
                    found[name] = QueueState(result.message_count or 0, result.consumer_count or 0)
            await channel.close()
        return found
