"""Outbox to bus: publishes what committed transactions left, in order per build, until the broker has confirmed it."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy import BindParameter, Row, bindparam, delete, exists, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from conda_store_shared.bus.port import Bus
from conda_store_shared.contracts.envelope import EncodedMessage
from conda_store_shared.db.models.outbox import Outbox
from conda_store_shared.errors import BusUnavailable, DatabaseUnavailable, QueueMissing
from conda_store_shared.transaction import Transactions

log = structlog.get_logger()
BATCH = 200
# A process that died between commit and publish leaves rows behind: every relay of the service looks this often.
POLL_SECONDS = 2.0
_LONGEST_PAUSE = 5.0
# How long what nobody takes is left alone, before it is offered to the broker again.
_ABSENT_SECONDS = 2.0
# Made once: putting a statement together takes longer than running it.
_OF_SERVICE = Outbox.service == bindparam("service")
_ANYTHING = select(Outbox.id).where(_OF_SERVICE).limit(1)
_OLDEST = (
    select(Outbox.id, Outbox.build_id, Outbox.message_id, Outbox.routing_key, Outbox.headers, Outbox.body)
    .where(_OF_SERVICE)
    .order_by(Outbox.id)
    .limit(BATCH)
)
_Earlier = aliased(Outbox)
_ABSENT: BindParameter[list[str]] = bindparam("absent", expanding=True)
# All but what has no queue, and what of the same build comes after it.
_OLDEST_TAKEN = _OLDEST.where(
    Outbox.routing_key.not_in(_ABSENT),
    ~exists().where(
        _Earlier.service == Outbox.service,
        _Earlier.build_id == Outbox.build_id,
        _Earlier.id < Outbox.id,
        _Earlier.routing_key.in_(_ABSENT),
    ),
)
_FORGET = delete(Outbox.__table__).where(Outbox.id.in_(bindparam("ids", expanding=True)))  # type: ignore[arg-type]
# hashtext: one lock per service name.
_TAKE_TURN = text("SELECT pg_advisory_xact_lock(hashtext('relay:' || :service))")
_Message = Row[int, int | None, str, str, dict[str, Any], bytes]


class Relay:
    """Publishes the outbox of one service; replicas take turns under a lock, so the order per build holds.

    A message that no queue takes yet stays, with those of its build that come after it, and holds up no other.
    """

    def __init__(self, transactions: Transactions, bus: Bus) -> None:
        self._transactions = transactions
        self._bus = bus
        self._service = {"service": transactions.service}
        # Routing keys without a queue, and when to try again.
        self._absent: dict[str, float] = {}

    async def run(self) -> None:
        """Publish for ever; waits out an unreachable broker or database."""
        pause = 0.2
        while True:
            self._transactions.committed.clear()
            try:
                while await self.publish_batch():
                    pass
                pause = 0.2
                await self._wait()
            except (BusUnavailable, DatabaseUnavailable) as error:
                log.warning("relay_waits", reason=error.message)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)

    async def publish_batch(self) -> bool:
        """Publish the oldest messages; True when there may be more.  Raises BusUnavailable, DatabaseUnavailable."""
        async with self._transactions.begin() as transaction:
            session = transaction.session
            if self._transactions.database.is_postgres:
                await session.execute(_TAKE_TURN, self._service)
            rows = await self._oldest(session)
            known = len(self._absent)
            confirmed, failure = await self._publish(rows)
            if confirmed:
                await session.execute(_FORGET, {"ids": confirmed})
        if failure is not None:
            raise failure
        return len(rows) == BATCH or len(self._absent) > known

    async def _oldest(self, session: AsyncSession) -> Sequence[_Message]:
        now = asyncio.get_running_loop().time()
        absent = [key for key, again in self._absent.items() if again > now]
        if not absent:
            return (await session.execute(_OLDEST, self._service)).all()
        return (await session.execute(_OLDEST_TAKEN, {**self._service, "absent": absent})).all()

    async def _publish(self, rows: Sequence[_Message]) -> tuple[list[int], BusUnavailable | None]:
        by_build: dict[int | None, list[_Message]] = defaultdict(list)
        for row in rows:
            by_build[row.build_id].append(row)
        confirmed: list[int] = []
        failures: list[BusUnavailable] = []

        async def publish_in_order(messages: list[_Message]) -> None:
            try:
                for row in messages:
                    if not await self._is_taken(row):
                        return
                    confirmed.append(row.id)
            except BusUnavailable as error:
                failures.append(error)

        async with asyncio.TaskGroup() as group:
            for messages in by_build.values():
                group.create_task(publish_in_order(messages))
        return confirmed, failures[0] if failures else None

    async def _is_taken(self, row: _Message) -> bool:
        """Publish; False when there is no queue for it.  Raises BusUnavailable."""
        key = row.routing_key
        message = EncodedMessage(message_id=row.message_id, routing_key=key, headers=row.headers, body=row.body)
        try:
            await self._bus.publish(message)
        except QueueMissing as error:
            if key not in self._absent:
                log.warning("consumer_awaited", routing_key=key, reason=error.message)
            self._absent[key] = asyncio.get_running_loop().time() + _ABSENT_SECONDS
            return False
        self._absent.pop(key, None)
        return True

    async def _wait(self) -> None:
        """Return when there is something to publish."""
        while not self._transactions.committed.is_set():
            try:
                async with asyncio.timeout(POLL_SECONDS):
                    await self._transactions.committed.wait()
            except TimeoutError:
                if await self._anything():
                    return

    async def _anything(self) -> bool:
        async with self._transactions.database.session() as session:
            return (await session.scalar(_ANYTHING, self._service)) is not None
