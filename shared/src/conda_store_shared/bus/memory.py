"""The bus within one process: the queues, limits and dead letters of the broker, without a broker."""

import asyncio
import random
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog

from conda_store_shared.bus.consumer import Delivery, Outcome, Patience, call_each, handle
from conda_store_shared.bus.port import Connected, QueueState, Subscription
from conda_store_shared.bus.sending import sending
from conda_store_shared.contracts.envelope import EncodedMessage
from conda_store_shared.contracts.topology import (
    DELIVERY_LIMIT,
    EVENT_OF_ROUTING_KEY,
    dead_queue_name,
    durable_queues,
)
from conda_store_shared.errors import QueueMissing

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryOptions:
    """``delivery_limit`` repeats before a message is dead; ``duplicates`` is the chance that one is delivered twice.

    A duplicate comes either at once, to be handled beside the first, or after the first was handled.  ``seed`` makes
    the choice repeatable.
    """

    patience: Patience = field(default_factory=Patience)
    delivery_limit: int = DELIVERY_LIMIT
    duplicates: float = 0.0
    seed: int | None = None


class _Queue:
    """Messages in order of arrival; those given back come first."""

    def __init__(self, name: str, *, dead: "_Queue | None" = None, durable: bool = True) -> None:
        self.name = name
        self.dead = dead
        self.durable = durable
        self.waiting: deque[Delivery] = deque()
        self._wake = asyncio.Event()
        self._closed = False

    def put(self, message: Delivery) -> None:
        self.waiting.append(replace(message, queue=self.name))
        self._wake.set()

    def give_back(self, message: Delivery) -> None:
        self.waiting.appendleft(message)
        self._wake.set()

    def close(self) -> None:
        """Give nothing out any more."""
        self._closed = True
        self._wake.set()

    def open(self) -> None:
        self._closed = False

    async def take(self) -> Delivery | None:
        """The next message; None once the queue is closed."""
        # A handler that waits for nothing must not keep everybody else from the event loop.
        await asyncio.sleep(0)
        while not self.waiting and not self._closed:
            self._wake.clear()
            await self._wake.wait()
        return None if self._closed else self.waiting.popleft()


class MemoryBus:
    """A ``Bus`` within one process; what it holds ends with the process.

    Only bytes travel, so no state is shared by accident.  ``publish`` returns at once, whatever the handlers do.
    """

    def __init__(self, options: MemoryOptions | None = None) -> None:
        self._options = options or MemoryOptions()
        self._random = random.Random(self._options.seed)  # noqa: S311 - picks duplicates, guards no secret
        self._queues: dict[str, _Queue] = {}
        self._bound: dict[str, list[_Queue]] = {key: [] for key in EVENT_OF_ROUTING_KEY}
        self._subscriptions: list[tuple[Subscription, _Queue]] = []
        self._callbacks: list[Connected] = []
        self._consuming = False
        for queue in durable_queues():
            dead = _Queue(dead_queue_name(queue.name))
            self._queues[dead.name] = dead
            self._queues[queue.name] = _Queue(queue.name, dead=dead)
            self._bound[queue.routing_key].append(self._queues[queue.name])

    async def publish(self, message: EncodedMessage) -> None:
        """Put a copy of the message into every queue that wants it; raises QueueMissing if its key is unknown."""
        queues = self._bound.get(message.routing_key)
        if queues is None:
            raise QueueMissing(f"no queue takes messages with routing key {message.routing_key!r}")
        with sending(message) as sent:
            for queue in queues:
                self._put(queue, sent)

    async def tell(self, event: EncodedMessage) -> None:
        """Do nothing: nobody outside of this process could be bound to anything."""

    def subscribe(self, subscription: Subscription) -> None:
        """Add a subscription; before ``run``."""
        if subscription.event is not None:
            key = subscription.event.routing_key
            queue = _Queue(f"{key}.{len(self._bound[key])}", durable=False)
            self._bound[key].append(queue)
        elif subscription.queue in self._queues:
            queue = self._queues[subscription.queue]
        else:
            raise ValueError(f"the topology has no queue {subscription.queue!r}")
        self._subscriptions.append((subscription, queue))

    def on_connected(self, callback: Connected) -> None:
        """Call ``callback`` when ``run`` starts to consume."""
        self._callbacks.append(callback)

    async def run(self) -> None:
        """Consume until cancelled; handlers under way are then cancelled, and their messages kept."""
        for _, queue in self._subscriptions:
            queue.open()
        self._consuming = True
        try:
            async with asyncio.TaskGroup() as group:
                for subscription, queue in self._subscriptions:
                    for _ in range(subscription.concurrency):
                        group.create_task(self._consume(subscription, queue))
                await call_each(self._callbacks)
                # After a drain nothing is left to consume; the caller ends this by cancelling it.
                await asyncio.Event().wait()
        finally:
            self._consuming = False

    async def drain(self) -> None:
        """Take no more messages; handlers under way go on."""
        self._consuming = False
        for _, queue in self._subscriptions:
            queue.close()

    async def depth(self, queue: str) -> int:
        """Messages waiting in ``queue``; raises QueueMissing if there is no such queue."""
        if queue not in self._queues:
            raise QueueMissing(f"there is no queue {queue!r}")
        return len(self._queues[queue].waiting)

    async def consumers(self, queue: str) -> int:
        """How many messages of ``queue`` can be handled at once; raises QueueMissing if there is no such queue."""
        if queue not in self._queues:
            raise QueueMissing(f"there is no queue {queue!r}")
        if not self._consuming:
            return 0
        return sum(subscription.concurrency for subscription, taken in self._subscriptions if taken.name == queue)

    async def look(self, queues: Sequence[str]) -> Mapping[str, QueueState]:
        """The state of each of ``queues`` that there is."""
        return {
            name: QueueState(await self.depth(name), await self.consumers(name))
            for name in queues
            if name in self._queues
        }

    @property
    def healthy(self) -> bool:
        """Whether messages are being consumed now."""
        return self._consuming

    def _put(self, queue: _Queue, message: EncodedMessage) -> None:
        delivery = Delivery(
            queue=queue.name, message_id=message.message_id, headers=dict(message.headers), body=bytes(message.body)
        )
        queue.put(delivery)
        if self._is_repeated():
            queue.put(delivery)

    async def _consume(self, subscription: Subscription, queue: _Queue) -> None:
        while (delivery := await queue.take()) is not None:
            try:
                outcome = await handle(delivery, subscription.handler, self._options.patience)
            except asyncio.CancelledError:
                queue.give_back(delivery)
                raise
            self._settle(queue, delivery, outcome)

    def _settle(self, queue: _Queue, delivery: Delivery, outcome: Outcome) -> None:
        if outcome is Outcome.HANDLED:
            self._repeat_handled(queue, delivery)
        elif outcome is Outcome.RETURNED and queue.durable and not self._is_exhausted(queue, delivery):
            queue.give_back(replace(delivery, earlier=delivery.earlier + 1))
        elif queue.dead is not None:
            _log.error("message_dead", queue=queue.name, message_id=delivery.message_id, outcome=outcome.value)
            queue.dead.put(replace(delivery, earlier=0))

    def _is_exhausted(self, queue: _Queue, delivery: Delivery) -> bool:
        # As on the broker, a limit of ten means eleven deliveries; what is dead already is kept for ever.
        return queue.dead is not None and delivery.earlier >= self._options.delivery_limit

    def _is_repeated(self) -> bool:
        return self._random.random() < self._options.duplicates / 2

    def _repeat_handled(self, queue: _Queue, delivery: Delivery) -> None:
        """Once in a while act as if the acknowledgement was lost."""
        if queue.durable and delivery.earlier == 0 and self._is_repeated():
            queue.put(replace(delivery, earlier=delivery.earlier + 1))
