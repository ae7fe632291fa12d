"""What the bus over RabbitMQ can be told."""

from dataclasses import dataclass, field

from conda_store_shared.bus.backoff import Backoff
from conda_store_shared.bus.consumer import Patience


@dataclass(frozen=True, slots=True, kw_only=True)
class RabbitOptions:
    """Where the broker is, and how long to wait for it; all times in seconds.

    ``consumer_timeout`` is the broker's own: it takes a message back that was not acknowledged for so long.
    """

    url: str = field(repr=False)
    service: str
    publish_timeout: float = 10.0
    connect_timeout: float = 10.0
    answer_timeout: float = 10.0
    stop_timeout: float = 30.0
    heartbeat: int = 10
    consumer_timeout: float = 30 * 60.0
    reconnect: Backoff = field(default_factory=lambda: Backoff(first=0.2, longest=5.0))
    unavailable: Backoff = field(default_factory=lambda: Backoff(first=1.0, longest=15.0))
    crashed: Backoff = field(default_factory=lambda: Backoff(first=0.5, longest=5.0))

    @property
    def patience(self) -> Patience:
        """How handlers are waited for: a message is given back well before the broker takes it by force."""
        return Patience(unavailable=self.unavailable, crashed=self.crashed, longest=self.consumer_timeout / 2)
