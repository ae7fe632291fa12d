"""Outbox to bus: publishes what committed transactions left, in order per build, until the broker has confirmed it."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence

import structlog
from sqlalchemy import Select, delete, select, text

from conda_store_shared.bus.port import Bus
from conda_store_shared.contracts.envelope import EncodedMessage
from conda_store_shared.db.models.outbox import Outbox
from conda_store_shared.errors import BusUnavailable, DatabaseUnavailable
from conda_store_shared.transaction import Transactions

log = structlog.get_logger()
BATCH = 200
# A process that died between commit and publish leaves rows behind: every relay of the service looks this often.
POLL_SECONDS = 2.0
_LONGEST_PAUSE = 5.0


class Relay:
    """Publishes the outbox of one service; replicas take turns under a lock, so the order per build holds."""

    def __init__(self, transactions: Transactions, bus: Bus) -> None:
        self._transactions = transactions
        self._bus = bus

    async def run(self) -> None:
        """Publish for ever; waits out an unreachable broker or database."""
        pause = 0.2
        while True:
            self._transactions.committed.clear()
            try:
                while await self.publish_batch():
                    pass
                pause = 0.2
                await self._wait(POLL_SECONDS)
            except (BusUnavailable, DatabaseUnavailable) as error:
                log.warning("relay_waits", reason=error.message)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)

    async def publish_batch(self) -> bool:
        """Publish the oldest messages; True when there may be more.  Raises BusUnavailable, DatabaseUnavailable."""
        if not await self._anything():
            return False
        async with self._transactions.begin() as transaction:
            session = transaction.session
            if self._transactions.database.is_postgres:
                # hashtext: one lock per service name.
                lock = text("SELECT pg_advisory_xact_lock(hashtext(:name))")
                await session.execute(lock, {"name": f"relay:{self._transactions.service}"})
            rows = list((await session.scalars(self._oldest())).all())
            confirmed, failure = await self._publish(rows)
            if confirmed:
                await session.execute(delete(Outbox).where(Outbox.id.in_(confirmed)))
        if failure is not None:
            raise failure
        return len(rows) == BATCH

    async def _anything(self) -> bool:
        async with self._transactions.database.session() as session:
            found = select(Outbox.id).where(Outbox.service == self._transactions.service).limit(1)
            return (await session.scalar(found)) is not None

    def _oldest(self) -> Select[Outbox]:
        return select(Outbox).where(Outbox.service == self._transactions.service).order_by(Outbox.id).limit(BATCH)

    async def _publish(self, rows: Sequence[Outbox]) -> tuple[list[int], BusUnavailable | None]:
        by_build: dict[int | None, list[Outbox]] = defaultdict(list)
        for row in rows:
            by_build[row.build_id].append(row)
        confirmed: list[int] = []
        failures: list[BusUnavailable] = []

        async def publish_in_order(messages: list[Outbox]) -> None:
            try:
                for row in messages:
                    await self._bus.publish(
                        EncodedMessage(
                            message_id=row.message_id,
                            routing_key=row.routing_key,
                            headers=row.headers,
                            body=row.body,
                        )
                    )
                    confirmed.append(row.id)
            except BusUnavailable as error:
                failures.append(error)

        async with asyncio.TaskGroup() as group:
            for messages in by_build.values():
                group.create_task(publish_in_order(messages))
        return confirmed, failures[0] if failures else None

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._transactions.committed.wait()
        except TimeoutError:
            pass
