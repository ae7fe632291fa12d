"""Public events go from their log to their exchange, for consumers of whoever runs the suite (design §3.11)."""

import asyncio
from collections.abc import Sequence
from itertools import takewhile

import structlog

from conda_store_api.domain.cloud_event import cloud_event_json
from conda_store_api.repositories.event_cursors import find_position, list_next, move_cursor
from conda_store_api.use_cases.wake import Wake
from conda_store_shared.bus.port import Bus
from conda_store_shared.contracts.envelope import EncodedMessage
from conda_store_shared.contracts.event_routing import event_routing_key
from conda_store_shared.db.models import PublicEvent
from conda_store_shared.domain.public_event import PublicEventType
from conda_store_shared.errors import BusUnavailable
from conda_store_shared.transaction import Transactions

log = structlog.get_logger()

READER = "exchange"
BATCH = 200
# Notices may be lost.
POLL_SECONDS = 2.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_KNOWN = frozenset(PublicEventType)


class EventRelay:
    """Publishes events in the order of the log, from where it was before, until the broker has confirmed each.

    To be run by one process at a time; should two ever do, or one die, an event is published twice, with one id.
    """

    reader = READER

    def __init__(self, transactions: Transactions, bus: Bus, prefix: str) -> None:
        self._transactions = transactions
        self._bus = bus
        self._prefix = prefix
        self.wake = Wake()

    async def run(self) -> None:
        """Publish until cancelled; waits out an unreachable broker.  Raises DatabaseUnavailable."""
        pause = _FIRST_PAUSE
        while True:
            try:
                while await self.publish_batch():
                    pass
                pause = _FIRST_PAUSE
                await self.wake.wait(POLL_SECONDS)
            except BusUnavailable as error:
                log.warning("event_relay_waits", reason=error.message)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)

    async def publish_batch(self) -> bool:
        """Publish the next events; True when there may be more.  Raises BusUnavailable, DatabaseUnavailable."""
        async with self._transactions.database.session() as session:
            position = await find_position(session, READER)
            events = [] if position is None else await list_next(session, position, BATCH)
        if position is None:
            return False
        known = list(takewhile(lambda event: event.type in _KNOWN, events))
        confirmed, failure = await self._publish(known)
        if confirmed:
            async with self._transactions.begin() as transaction:
                await move_cursor(transaction.session, READER, position, events[confirmed - 1].id)
        if failure is not None:
            raise failure
        if len(known) < len(events):
            # In the middle of an upgrade: what it is published as is known to those that are upgraded already.
            log.warning("event_relay_waits", reason=f"events of type {events[len(known)].type} are of a later release")
        return len(known) == BATCH

    async def _publish(self, events: Sequence[PublicEvent]) -> tuple[int, BusUnavailable | None]:
        """Publish all at once, in order; return how many of them, from the first on, the broker has."""
        tasks = [asyncio.create_task(self._bus.tell(self._message(event))) for event in events]
        results = await asyncio.gather(*tasks, return_exceptions=True)
        for number, result in enumerate(results):
            if isinstance(result, BusUnavailable):
                return number, result
            if isinstance(result, asyncio.CancelledError):
                # Nobody here cancels one of them: it is the library that does, when a connection goes.
                return number, BusUnavailable("the connection to the broker was closed")
            if result is not None:
                raise result
        return len(results), None

    def _message(self, event: PublicEvent) -> EncodedMessage:
        kind = PublicEventType(event.type)
        return EncodedMessage(
            message_id=f"evt_{event.id}",
            routing_key=event_routing_key(kind, event.namespace, event.environment),
            headers={"type": kind.cloud_event_type},
            body=cloud_event_json(event, self._prefix),
        )
