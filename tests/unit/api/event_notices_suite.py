"""Whoever reads the log of events is woken when it grows, on either database."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from conda_store_api.use_cases.event_notices import EventNotices
from conda_store_shared.db.engine import Database
from conda_store_shared.domain.public_event import PublicEventType
from conda_store_shared.testing.bus_messages import eventually
from conda_store_shared.testing.public_events import an_event
from conda_store_shared.transaction import Transactions
from tests.unit.api.ledger_builders import Ledger


class Woken:
    """Counts how often it was woken."""

    def __init__(self) -> None:
        self.times = 0

    def set(self) -> None:
        """Count."""
        self.times += 1


async def add_event(database: Database, service: str) -> None:
    """Write an event from a service."""
    async with Transactions(database, service).begin() as transaction:
        transaction.record(an_event(PublicEventType.NAMESPACE_CREATED))


class EventNoticesSuite:
    """What EventNotices does."""

    @pytest.fixture
    async def woken(self, ledger: Ledger) -> AsyncIterator[tuple[Woken, Woken]]:
        """Two loops that are woken, once whoever wakes them listens."""
        first, second, ready = Woken(), Woken(), Woken()
        database = ledger.transactions.database
        notices = EventNotices(database)
        for each in (first, second, ready):
            notices.attach(each.set)
        running = asyncio.create_task(notices.run())
        if database.is_postgres:
            # It says so itself when it begins to listen.
            await eventually(lambda: ready.times == 1)
        else:
            await asyncio.sleep(0)
        first.times = second.times = 0
        yield first, second
        running.cancel()

    async def test_every_loop_is_woken_when_any_service_writes_an_event(
        self, ledger: Ledger, woken: tuple[Woken, Woken]
    ) -> None:
        await add_event(ledger.transactions.database, "api")
        await eventually(lambda: [each.times for each in woken] == [1, 1])
        await add_event(ledger.transactions.database, "auth")
        await eventually(lambda: [each.times for each in woken] == [2, 2])

    async def test_nobody_is_woken_when_nothing_was_written(self, ledger: Ledger, woken: tuple[Woken, Woken]) -> None:
        async with ledger.transactions.begin():
            pass
        with pytest.raises(ZeroDivisionError):
            await self._fail(ledger)
        await add_event(ledger.transactions.database, "api")
        await eventually(lambda: woken[0].times == 1)

    async def _fail(self, ledger: Ledger) -> None:
        async with ledger.transactions.begin() as transaction:
            transaction.record(an_event(PublicEventType.NAMESPACE_CREATED))
            raise ZeroDivisionError
