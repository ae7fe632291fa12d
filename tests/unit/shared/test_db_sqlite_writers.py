"""Many writers to SQLite, which lets only one write at a time."""

import asyncio
from pathlib import Path

from sqlalchemy import select, text

from conda_store_shared.db.engine import Database
from conda_store_shared.db.migrate import upgrade
from conda_store_shared.db.models import Namespace
from conda_store_shared.transaction import Transactions


async def test_writers_are_served_in_their_order_when_there_are_many(tmp_path: Path) -> None:
    async with Database(f"sqlite:///{tmp_path / 'one.sqlite'}") as database:
        await upgrade(database)
        transactions = Transactions(database, "api")

        async def write(number: int) -> None:
            async with transactions.begin() as transaction:
                transaction.session.add(Namespace(name=f"number-{number}"))

        async with asyncio.TaskGroup() as group:
            for number in range(40):
                group.create_task(write(number))
        async with database.session() as session:
            names = (await session.scalars(select(Namespace.name).order_by(Namespace.id))).all()
        assert names == [f"number-{number}" for number in range(40)]


async def test_readers_do_not_wait_when_somebody_writes(tmp_path: Path) -> None:
    async with Database(f"sqlite:///{tmp_path / 'one.sqlite'}") as database:
        await upgrade(database)
        async with Transactions(database, "api").begin(), asyncio.timeout(2), database.session() as session:
            assert await session.scalar(text("SELECT 1")) == 1
