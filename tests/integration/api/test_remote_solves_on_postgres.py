"""Remote solves on PostgreSQL, and between replicas."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from conda_store_api.repositories.solves import add_solve, find_answer
from conda_store_api.use_cases.solve_answered import solve_answered
from conda_store_api.use_cases.solve_remotely import NOTICES, AwaitedSolves
from conda_store_shared.contracts.events import SolveAnswered
from conda_store_shared.db.engine import Database
from conda_store_shared.db.notices import APPLICATION, Listener
from conda_store_shared.testing.servers import Databases
from conda_store_shared.transaction import Transactions
from tests.unit.api.ledger_builders import Ledger
from tests.unit.api.remote_solves_suite import RemoteSolvesSuite

SOLVE = "b" * 32


class TestRemoteSolves(RemoteSolvesSuite):
    """The suite on the ledger of this directory."""


@asynccontextmanager
async def listening(database: Database) -> AsyncIterator[AwaitedSolves]:
    """A replica that listens."""
    awaited = AwaitedSolves()
    task = asyncio.create_task(Listener(database, NOTICES, awaited.hear).run())
    try:
        yield awaited
    finally:
        task.cancel()
        await asyncio.wait([task])


async def listeners(ledger: Ledger, servers: Databases, number: int) -> None:
    """Wait until so many connections listen."""
    question = f"SELECT count(*) FROM pg_stat_activity WHERE {_are_mine(ledger)} AND wait_event = 'ClientRead'"
    async with asyncio.timeout(20):
        while int(await asyncio.to_thread(servers.execute, question)) != number:  # noqa: ASYNC110 - Postgres tells
            await asyncio.sleep(0.05)


def _are_mine(ledger: Ledger) -> str:
    name = ledger.database.url.rpartition("/")[2]
    return f"datname = '{name}' AND application_name = '{APPLICATION}' AND query LIKE 'LISTEN%'"


async def answer(ledger: Ledger) -> None:
    """Some replica takes the answer from the bus."""
    async with Database(ledger.database.url) as other, Transactions(other, "api").begin() as transaction:
        await solve_answered(SolveAnswered(solve_id=SOLVE, code="x"), transaction, ledger.now)


async def test_replica_that_waits_is_woken_when_another_takes_the_answer(
    ledger: Ledger, postgres_server: Databases
) -> None:
    async with listening(ledger.database) as awaited:
        await listeners(ledger, postgres_server, 1)
        async with ledger.transactions.begin() as transaction:
            await add_solve(transaction.session, SOLVE, ledger.now)
        with awaited.waiting_for(SOLVE) as over:
            await answer(ledger)
            await asyncio.wait_for(over.wait(), 10)
        async with ledger.database.session() as session:
            assert await find_answer(session, SOLVE) is not None


async def test_replica_listens_again_when_its_connection_was_ended(
    ledger: Ledger, postgres_server: Databases
) -> None:
    async with listening(ledger.database) as awaited:
        await listeners(ledger, postgres_server, 1)
        end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {_are_mine(ledger)}"
        await asyncio.to_thread(postgres_server.execute, end)
        await listeners(ledger, postgres_server, 0)
        await listeners(ledger, postgres_server, 1)
        with awaited.waiting_for(SOLVE) as over:
            await answer(ledger)
            await asyncio.wait_for(over.wait(), 10)
