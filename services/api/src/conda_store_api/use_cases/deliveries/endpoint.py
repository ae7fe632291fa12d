"""One webhook in the memory of whoever delivers: which events it wants, and how far it has come."""

from collections import deque
from collections.abc import Callable

from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_api.domain.webhook import Scope
from conda_store_api.repositories.deliveries import list_events
from conda_store_shared.db.models import PublicEvent, Webhook


class Endpoint:
    """An active webhook.

    ``position`` is what its row says.  Events it wants wait in memory; when there are too many, or it was away, it is
    behind, and reads them from the log until it has caught up with ``cursor``, where the reader of the log is.
    """

    def __init__(self, webhook: Webhook, cursor: int, *, kept: int, is_waiting: bool) -> None:
        """Keep at most so many events in memory."""
        self.webhook = webhook
        self.position = webhook.position
        self._kept = kept
        # Whether an event that was chosen before may be on its way.
        self.is_waiting = is_waiting
        self._scope = Scope(
            namespace=webhook.namespace, environment=webhook.environment, types=tuple(webhook.types)
        )
        self._queue: deque[PublicEvent] = deque()
        self._behind: int | None = webhook.position if webhook.position < cursor else None

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing for it up to where the reader of the log is."""
        return not self.is_waiting and not self._queue and self._behind is None

    @property
    def is_behind(self) -> bool:
        """Whether it has to read the log by itself."""
        return self._behind is not None

    def offer(self, event: PublicEvent) -> bool:
        """Keep an event that the reader of the log came to, if it is wanted; return whether it is."""
        if event.id <= self.position or not self._scope.wants(event.type, event.namespace, event.environment):
            return False
        if self._behind is None and len(self._queue) < self._kept:
            self._queue.append(event)
        elif self._behind is None:
            self._behind = self._queue[-1].id
        return True

    def take(self) -> PublicEvent | None:
        """Return the next event that is in memory."""
        return self._queue.popleft() if self._queue else None

    async def catch_up(self, session: AsyncSession, cursor: Callable[[], int]) -> None:
        """Read events it wants from the log, until there are some or it has caught up with ``cursor``."""
        while not self._queue and self._behind is not None:
            # Events have ids in the order of their commits: up to here, none is still to come.
            upto = cursor()
            events = await list_events(session, self._behind, self._kept, scope=self._scope)
            self._queue.extend(event for event in events if event.id <= upto)
            if len(self._queue) == self._kept:
                self._behind = self._queue[-1].id
            else:
                self._behind = upto if upto < cursor() else None
