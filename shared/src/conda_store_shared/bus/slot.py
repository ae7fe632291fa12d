"""Take messages from one queue of the broker: a channel with prefetch 1 for each that is handled at once."""

import asyncio
import contextlib
import uuid
from typing import Any

import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage, AbstractQueue

from conda_store_shared.bus.consumer import Delivery, Outcome, handle
from conda_store_shared.bus.options import RabbitOptions
from conda_store_shared.bus.port import Subscription
from conda_store_shared.bus.waiting import BROKER_FAILURES, when_closed, within
from conda_store_shared.contracts.topology import EXCHANGE

_log = structlog.get_logger(__name__)


class QueueConsumer:
    """Keeps one subscription, over as many connections as it takes; handlers outlive the connection."""

    def __init__(self, subscription: Subscription, options: RabbitOptions) -> None:
        self.subscription = subscription
        self.options = options
        self.drained = False
        self.ready = asyncio.Event()
        self._handling: dict[str, asyncio.Task[Outcome]] = {}
        self._slots: list[_Slot] = []

    async def serve(self, connection: AbstractConnection) -> None:
        """Consume until drained; raises one of BROKER_FAILURES when the connection fails."""
        # A new name for each connection: the broker may not have noticed yet that the last one is gone.
        queue = self.subscription.queue or f"{self.options.service}.{uuid.uuid4().hex}"
        self._slots = [_Slot(self, connection, queue) for _ in range(self.subscription.concurrency)]
        try:
            async with asyncio.TaskGroup() as group:
                for slot in self._slots:
                    group.create_task(slot.run())
        finally:
            self.ready.clear()

    def begin(self, message: AbstractIncomingMessage) -> "asyncio.Task[Outcome]":
        """Handle the message; one that is being handled already, by an earlier delivery, is not begun again."""
        message_id = message.message_id or uuid.uuid4().hex
        handling = self._handling.get(message_id)
        if handling is not None:
            _log.info("message_joined", queue=message.routing_key, message_id=message_id)
            return handling
        delivery = _delivery(message, message_id, self.subscription)
        handling = asyncio.create_task(handle(delivery, self.subscription.handler, self.options.patience))
        self._handling[message_id] = handling
        handling.add_done_callback(lambda _: self._handling.pop(message_id))
        return handling

    def opened(self) -> None:
        """Told by each slot that it is consuming."""
        if all(slot.is_open for slot in self._slots):
            self.ready.set()

    async def drain(self) -> None:
        """Begin nothing more; returns when what was not begun is back at the broker."""
        self.drained = True
        await asyncio.gather(*(slot.drain() for slot in self._slots))

    async def end(self) -> None:
        """Cancel the handlers under way and wait for them, ``stop_timeout`` at most."""
        handling = list(self._handling.values())
        for task in handling:
            task.cancel()
        if handling:
            _, late = await asyncio.wait(handling, timeout=self.options.stop_timeout)
            if late:
                _log.error("handlers_do_not_end", queue=self.subscription.queue, count=len(late))


class _Slot:
    """One channel at a time; a message that crashed is given back by closing it, and the next is opened."""

    def __init__(self, consumer: QueueConsumer, connection: AbstractConnection, queue: str) -> None:
        self._consumer = consumer
        self._connection = connection
        self._queue_name = queue
        self._timeout = consumer.options.answer_timeout
        self._inbox: asyncio.Queue[AbstractIncomingMessage | None] = asyncio.Queue()
        self._busy = False
        self._stopped = asyncio.Event()
        self._cancel: tuple[AbstractQueue, str] | None = None

    @property
    def is_open(self) -> bool:
        """Whether it has been consuming."""
        return self._cancel is not None

    async def run(self) -> None:
        """Handle one message after the other until drained; raises when no channel can be opened."""
        try:
            while not self._consumer.drained:
                channel = await within(self._timeout, self._connection.channel(publisher_confirms=False))
                closed = when_closed(channel)
                await self._consume(channel, closed)
                with contextlib.suppress(*BROKER_FAILURES):
                    await self._take(closed)
                await self._close(channel, closed)
        finally:
            self._stopped.set()

    async def drain(self) -> None:
        """Take no more; a handler under way goes on, and its message is still acknowledged."""
        self._inbox.put_nowait(None)
        with contextlib.suppress(*BROKER_FAILURES):
            if self._busy and self._cancel is not None:
                queue, tag = self._cancel
                await within(self._timeout, queue.cancel(tag))
            elif not self._busy:
                await within(self._timeout, self._stopped.wait())

    async def _consume(self, channel: AbstractChannel, closed: "asyncio.Future[str]") -> None:
        inbox: asyncio.Queue[AbstractIncomingMessage | None] = asyncio.Queue()
        self._inbox = inbox
        closed.add_done_callback(lambda _: inbox.put_nowait(None))
        # A broker that takes the queue away cancels the consumer, and leaves the channel open.
        underlay = await channel.get_underlay_channel()
        underlay.on_consumer_cancel_callbacks.add(lambda _: inbox.put_nowait(None))
        await within(self._timeout, channel.set_qos(prefetch_count=1))
        queue = await self._queue(channel)
        self._cancel = queue, await within(self._timeout, queue.consume(inbox.put))
        self._consumer.opened()

    async def _close(self, channel: AbstractChannel, closed: "asyncio.Future[str]") -> None:
        """Close the channel, so that the broker takes back what was not acknowledged."""
        if closed.done():
            # It was not us: give the broker a moment before opening another.
            _log.warning("channel_lost", queue=self._queue_name, reason=closed.result())
            await asyncio.sleep(self._consumer.options.reconnect.delay(0))
            return
        with contextlib.suppress(*BROKER_FAILURES):
            await within(self._timeout, channel.close())

    async def _queue(self, channel: AbstractChannel) -> AbstractQueue:
        event = self._consumer.subscription.event
        if event is None:
            return await channel.get_queue(self._queue_name, ensure=False)
        queue = await within(self._timeout, channel.declare_queue(self._queue_name, exclusive=True, auto_delete=True))
        await within(self._timeout, queue.bind(EXCHANGE, event.routing_key))
        return queue

    async def _take(self, closed: "asyncio.Future[str]") -> None:
        """Handle messages until one is to be given back, the channel is lost, or no more are wanted."""
        while not self._consumer.drained:
            message = await self._inbox.get()
            if message is None or self._consumer.drained:
                return
            self._busy = True
            try:
                outcome = await self._finish(message, closed)
                if outcome is None:
                    return
                await self._settle(message, outcome)
            finally:
                self._busy = False

    async def _finish(self, message: AbstractIncomingMessage, closed: "asyncio.Future[str]") -> Outcome | None:
        """How the message ended; None when it goes back, or when the broker took it back while it is handled."""
        handling = self._consumer.begin(message)
        ends: set[asyncio.Future[Any]] = {handling, closed}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if closed.done() or handling.cancelled():
            return None
        outcome = handling.result()
        is_broadcast = self._consumer.subscription.event is not None
        return None if outcome is Outcome.RETURNED and not is_broadcast else outcome

    async def _settle(self, message: AbstractIncomingMessage, outcome: Outcome) -> None:
        if outcome is Outcome.REJECTED:
            await within(self._timeout, message.reject(requeue=False))
        else:
            await within(self._timeout, message.ack())


def _delivery(message: AbstractIncomingMessage, message_id: str, subscription: Subscription) -> Delivery:
    headers: dict[str, Any] = dict(message.headers)
    count = headers.get("x-delivery-count", 0)
    return Delivery(
        queue=subscription.queue or message.routing_key or "",
        message_id=message_id,
        headers=headers,
        body=message.body,
        earlier=count if isinstance(count, int) else 0,
    )
