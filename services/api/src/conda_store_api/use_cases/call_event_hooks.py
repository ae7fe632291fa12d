"""Tells functions of the configuration of public events, each in the order of the log and at a pace of its own."""

from collections.abc import Collection
from time import monotonic

from conda_store_api.domain.cloud_event import cloud_event_json
from conda_store_api.ports import EventHooks
from conda_store_api.repositories.event_cursors import find_newest, find_position, list_next, move_cursor
from conda_store_api.use_cases.wake import Wake
from conda_store_shared.domain.public_event import PublicEventType
from conda_store_shared.transaction import Transactions

BATCH = 50
# Notices may be lost.
POLL_SECONDS = 2.0
# Events that are not for a hook are passed over so many at once, or so seldom: each time a row is written.
STRIDE = 1000
STRIDE_SECONDS = 10.0


class HookedEvents:
    """Calls one hook with every event that is for it.

    To be run by one process at a time.  An event counts as told once the hook has returned, failed, or taken too long:
    should the process die before, the hook is told again.
    """

    def __init__(self, transactions: Transactions, hooks: EventHooks, pattern: str, prefix: str) -> None:
        self._transactions = transactions
        self._hooks = hooks
        self._pattern = pattern
        self._prefix = prefix
        self.reader = f"hook:{pattern}"
        self.wake = Wake()
        self._passed_over = float("-inf")

    async def run(self) -> None:
        """Tell the hook until cancelled; raises DatabaseUnavailable."""
        types = self._hooks.patterns[self._pattern]
        while True:
            while await self.tell_batch(types):
                pass
            await self.wake.wait(POLL_SECONDS)

    async def tell_batch(self, types: Collection[PublicEventType]) -> bool:
        """Tell the hook of the next events; True when there may be more.  Raises DatabaseUnavailable."""
        async with self._transactions.database.session() as session:
            position, newest = await find_position(session, self.reader), await find_newest(session)
            events = [] if position is None else await list_next(session, position, BATCH, types)
        if position is None:
            return False
        for event in events:
            await self._hooks.tell(self._pattern, cloud_event_json(event, self._prefix))
            position = await self._move(position, event.id)
        if not events and newest > position:
            await self._pass_over(position, newest)
        return len(events) == BATCH

    async def _pass_over(self, position: int, newest: int) -> None:
        if newest - position >= STRIDE or monotonic() - self._passed_over >= STRIDE_SECONDS:
            await self._move(position, newest)
            self._passed_over = monotonic()

    async def _move(self, before: int, after: int) -> int:
        async with self._transactions.begin() as transaction:
            await move_cursor(transaction.session, self.reader, before, after)
        return after
