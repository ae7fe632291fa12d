"""Every active webhook, in the memory of whoever delivers, and where in the log its reader is."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

from conda_store_api.use_cases.deliveries.endpoint import Endpoint
from conda_store_shared.db.models import PublicEvent, Webhook

# Of so many events the log is read once for all webhooks; one that is farther behind reads them by itself.
_READ_TOGETHER = 2000


class Registry:
    """Active webhooks by id; ``cursor`` is the id of the last event that was offered to them."""

    def __init__(self, kept: int) -> None:
        """Keep at most so many events of each in memory."""
        self.cursor = 0
        self._kept = kept
        # Whether the rows have to be read again.
        self.is_stale = True
        self._endpoints: dict[int, Endpoint] = {}
        self._by_namespace: dict[str | None, list[Endpoint]] = {}

    def __iter__(self) -> Iterator[Endpoint]:
        return iter(self._endpoints.values())

    def __len__(self) -> int:
        return len(self._endpoints)

    def find(self, webhook_id: int) -> Endpoint | None:
        """Return a webhook, None when it is not active, or not known yet."""
        return self._endpoints.get(webhook_id)

    def drop(self, endpoint: Endpoint) -> None:
        """Forget what is known of a webhook, since it is not what its row says."""
        if self._endpoints.get(endpoint.webhook.id) is endpoint:
            del self._endpoints[endpoint.webhook.id]
            self._by_namespace[endpoint.webhook.namespace].remove(endpoint)
        self.is_stale = True

    def replace(self, webhooks: Sequence[Webhook], waiting: Collection[int], newest: int) -> None:
        """Take over rows; of ``waiting`` an event is on its way, ``newest`` is the last event of the log.

        What did not change keeps what it has in memory.
        """
        if not self._endpoints:
            oldest = min((webhook.position for webhook in webhooks), default=newest)
            self.cursor = max(oldest, newest - _READ_TOGETHER)
        known, self._endpoints = self._endpoints, {}
        for webhook in webhooks:
            endpoint = known.get(webhook.id)
            if endpoint is None or endpoint.webhook.updated_on != webhook.updated_on:
                is_waiting = webhook.id in waiting
                endpoint = Endpoint(webhook, self.cursor, kept=self._kept, is_waiting=is_waiting)
            self._endpoints[webhook.id] = endpoint
        self._by_namespace = defaultdict(list)
        for endpoint in self._endpoints.values():
            self._by_namespace[endpoint.webhook.namespace].append(endpoint)
        self.is_stale = False

    def offer(self, event: PublicEvent) -> Sequence[Endpoint]:
        """Offer the next event of the log to all; return those that want it."""
        self.cursor = event.id
        places = (None, event.namespace)
        return [each for place in places for each in self._by_namespace.get(place, ()) if each.offer(event)]

    def strode(self, stride: int) -> Sequence[Endpoint]:
        """Return those with nothing to do whose row is ``stride`` events or more behind."""
        return [each for each in self if each.is_idle and self.cursor - each.position >= stride]
