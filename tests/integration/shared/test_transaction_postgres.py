"""Transactions, outbox and relay on PostgreSQL; what is said of an unreachable one."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from conda_store_shared.db.engine import Database
from conda_store_shared.db.models import Namespace, PublicEvent
from conda_store_shared.errors import DatabaseUnavailable
from conda_store_shared.testing.servers import Postgres
from conda_store_shared.transaction import Transactions
from tests.unit.shared.transaction_suite import TransactionSuite, a_request, an_event, count


class TestTransactionsOnPostgres(TransactionSuite):
    """Sessions write side by side."""

    @pytest.fixture
    async def transactions(self, postgres_url: str) -> AsyncIterator[Transactions]:
        async with Database(postgres_url) as database:
            yield Transactions(database, "api")

    async def test_reader_misses_no_event_when_a_slow_writer_began_first(self, transactions: Transactions) -> None:
        slow_wrote, go_on = asyncio.Event(), asyncio.Event()

        async def slow() -> None:
            async with transactions.begin() as transaction:
                transaction.session.add(Namespace(name="slow"))
                await transaction.session.flush()
                transaction.record(an_event("slow"))
                slow_wrote.set()
                await go_on.wait()

        async with asyncio.TaskGroup() as group:
            group.create_task(slow())
            await slow_wrote.wait()
            async with transactions.begin() as transaction:
                transaction.record(an_event("quick"))
            async with transactions.database.session() as session:
                before = (await session.execute(text("SELECT id, type FROM event ORDER BY id"))).all()
            go_on.set()
        async with transactions.database.session() as session:
            after = (await session.execute(text("SELECT id, type FROM event ORDER BY id"))).all()
        assert [row.type for row in before] == ["quick"]
        assert [row.type for row in after] == ["quick", "slow"]

    async def test_nothing_stays_open_between_statements_when_a_session_only_reads(
        self, transactions: Transactions
    ) -> None:
        began = text("SELECT transaction_timestamp()")
        async with transactions.database.session() as session:
            assert await session.scalar(began) != await session.scalar(began)
        async with transactions.database.connection() as connection:
            assert await connection.scalar(began) != await connection.scalar(began)
        async with transactions.begin() as transaction:
            assert await transaction.session.scalar(began) == await transaction.session.scalar(began)


async def test_transaction_says_so_when_the_database_is_gone_and_works_when_it_is_back() -> None:
    with Postgres() as server:
        url = server.create_database()
        async with Database(url) as database:
            async with database.engine.begin() as connection:
                await connection.run_sync(PublicEvent.metadata.create_all)
            transactions = Transactions(database, "api")
            await _write(transactions, 1)
            server.stop()
            for _ in range(2):
                with pytest.raises(DatabaseUnavailable):
                    await _write(transactions, 2)
                with pytest.raises(DatabaseUnavailable):
                    await database.check()
            server.start()
            await _write(transactions, 3)
            assert await count(database, PublicEvent) == 2


async def test_transaction_says_so_when_the_database_restarts_within_it() -> None:
    with Postgres() as server:
        async with Database(server.create_database()) as database:
            async with database.engine.begin() as connection:
                await connection.run_sync(PublicEvent.metadata.create_all)
            transactions = Transactions(database, "api")
            with pytest.raises(DatabaseUnavailable):  # noqa: PT012 - the block is what is rolled back
                async with transactions.begin() as transaction:
                    transaction.session.add(an_event("lost"))
                    await transaction.session.flush()
                    server.stop()
                    server.start()
            await _write(transactions, 1)
            assert await count(database, PublicEvent) == 1


async def _write(transactions: Transactions, build_id: int) -> None:
    async with transactions.begin() as transaction:
        transaction.publish(a_request(build_id))
        transaction.record(an_event())
