"""The bus: what every implementation must do."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from conda_store_shared.contracts.envelope import EncodedMessage, Envelope
from conda_store_shared.contracts.events import Event
from conda_store_shared.errors import QueueMissing

Handler = Callable[[Envelope], Awaitable[None]]
Connected = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Take the messages of one queue.

    ``queue`` is a durable queue of the topology or its dead-letter queue; None with ``event`` set subscribes this
    instance alone to a broadcast.  ``concurrency`` messages are handled at once.  The message is acknowledged after the
    handler returns.  A handler that raises Unavailable keeps the message and is called again with backoff; any other
    exception gives the message back to the broker, which delivers it again up to its limit.
    """

    handler: Handler
    queue: str | None = None
    event: type[Event] | None = None
    concurrency: int = 1


class QueueState(NamedTuple):
    """Messages that wait in a queue, those being handled left out, and how many can be handled at once."""

    messages: int
    consumers: int


class Bus(Protocol):
    """Messages by routing key, at least once."""

    async def publish(self, message: EncodedMessage) -> None:
        """Return when the broker has taken the message; raises BusUnavailable after a bounded wait.

        Raises QueueMissing at once when no queue takes it: its consumer has never started.  Whoever publishes keeps it.
        """
        ...

    async def tell(self, event: EncodedMessage) -> None:
        """Return when the broker has taken a public event, for whoever is bound to the exchange of events, if anybody.

        Events that are told at once keep their order.  Raises BusUnavailable after a bounded wait.
        """
        ...

    def subscribe(self, subscription: Subscription) -> None:
        """Add a subscription; before ``run``."""
        ...

    def on_connected(self, callback: Connected) -> None:
        """Call ``callback`` each time the connection was (re)made; before ``run``."""
        ...

    async def run(self) -> None:
        """Connect, consume, and reconnect until cancelled; handlers under way are then awaited or cancelled."""
        ...

    async def drain(self) -> None:
        """Stop taking messages; those not begun go back to the broker.  For a graceful stop."""
        ...

    async def depth(self, queue: str) -> int:
        """Messages waiting in ``queue``, those being handled left out; raises QueueMissing, BusUnavailable."""
        ...

    async def consumers(self, queue: str) -> int:
        """How many messages of ``queue`` all processes together handle at once; raises QueueMissing, BusUnavailable."""
        ...

    async def look(self, queues: Sequence[str]) -> Mapping[str, QueueState]:
        """The state of each of ``queues`` that there is; raises BusUnavailable."""
        ...

    @property
    def healthy(self) -> bool:
        """Whether messages can be published and are being consumed now."""
        ...


async def has_nothing_waiting(bus: Bus, queue: str) -> bool:
    """Whether ``queue`` is empty; one that is not there yet has its messages waiting where they come from.

    Raises BusUnavailable.
    """
    try:
        return await bus.depth(queue) == 0
    except QueueMissing:
        return False
