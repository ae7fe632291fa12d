"""Transactions, outbox and relay on PostgreSQL; what is said of an unreachable one."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import func, literal, select, text

from conda_store_shared.db.engine import Database
from conda_store_shared.db.models import Namespace, PublicEvent
from conda_store_shared.errors import DatabaseUnavailable, InvalidInput
from conda_store_shared.testing.servers import Postgres
from conda_store_shared.transaction import Transactions
from conda_store_shared.web.unstorable import unstorable_value
from tests.unit.shared.reader_suite import ReaderSuite
from tests.unit.shared.transaction_suite import TransactionSuite, a_request, an_event, count


class TestTransactionsOnPostgres(TransactionSuite, ReaderSuite):
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
                before = (await session.execute(text("SELECT id, environment FROM event ORDER BY id"))).all()
            go_on.set()
        async with transactions.database.session() as session:
            after = (await session.execute(text("SELECT id, environment FROM event ORDER BY id"))).all()
        assert [row.environment for row in before] == ["quick"]
        assert [row.environment for row in after] == ["quick", "slow"]

    async def test_reader_goes_on_when_a_value_was_refused(self, transactions: Transactions) -> None:
        async with transactions.database.reader() as reader:
            with pytest.raises(asyncpg.DataError) as refused:
                await reader.rows(select(Namespace.id).where(Namespace.name == "\x00"))
            assert isinstance(unstorable_value(refused.value), InvalidInput)
            assert await reader.rows(select(Namespace.id)) == []

    async def test_nothing_stays_open_between_statements_when_a_session_only_reads(
        self, transactions: Transactions
    ) -> None:
        began = select(func.transaction_timestamp())
        async with transactions.database.session() as session:
            assert await session.scalar(began) != await session.scalar(began)
        async with transactions.database.reader() as reader:
            assert await reader.value(began) != await reader.value(began)
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


async def test_reader_says_so_when_the_database_is_gone_and_works_when_it_is_back() -> None:
    one = select(literal(1))
    with Postgres() as server:
        async with Database(server.create_database(), pool_size=2) as database:
            async with database.reader() as first, database.reader() as second:
                assert (await first.value(one), await second.value(one)) == (1, 1)
            server.kill()
            for _ in range(3):
                with pytest.raises(DatabaseUnavailable):
                    async with database.reader() as reader:
                        await reader.value(one)
            server.start()
            async with database.reader() as first, database.reader() as second:
                assert (await first.value(one), await second.value(one)) == (1, 1)


async def test_reader_gives_its_connection_up_when_it_is_stopped_within_a_statement(postgres_url: str) -> None:
    async with Database(postgres_url, pool_size=1) as database:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2), database.reader() as reader:
                await reader.value(select(func.pg_sleep(30)))
        async with asyncio.timeout(5), database.reader() as reader:
            assert await reader.value(select(literal(1))) == 1


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


async def test_transaction_says_so_when_two_wait_for_each_other(postgres_url: str) -> None:
    async with Database(postgres_url) as database:
        both = asyncio.Barrier(2)

        async def lock(*numbers: int) -> str:
            try:
                async with database.session(write=True) as session:
                    await session.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": numbers[0]})
                    await both.wait()
                    await session.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": numbers[1]})
            except DatabaseUnavailable as error:
                return error.message
            return "done"

        outcomes = await asyncio.gather(lock(1, 2), lock(2, 1))
        told = "the database took the change back, because of others at the same time (40P01); please try again"
        assert sorted(outcomes) == sorted(["done", told])


async def test_statement_says_so_when_it_takes_too_long(postgres_url: str) -> None:
    async with Database(postgres_url, statement_seconds=0.1) as database:
        with pytest.raises(DatabaseUnavailable, match="the database did not answer in time"):
            async with database.session() as session:
                await session.execute(text("SELECT pg_sleep(30)"))


async def _write(transactions: Transactions, build_id: int) -> None:
    async with transactions.begin() as transaction:
        transaction.publish(a_request(build_id))
        transaction.record(an_event())
