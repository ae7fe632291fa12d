"""Statements on SQLite: what they answer, whatever became of those before."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import bindparam, delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from conda_store_shared.db.engine import Database
from conda_store_shared.db.migrate import upgrade
from conda_store_shared.db.models import Namespace
from conda_store_shared.transaction import Transactions

pytestmark = pytest.mark.slow

NAMES = ("one", "two", "three")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A database with three namespaces."""
    async with Database(f"sqlite:///{tmp_path / 'one.sqlite'}") as opened:
        await upgrade(opened)
        async with Transactions(opened, "api").begin() as transaction:
            await transaction.session.execute(insert(Namespace), [{"name": name} for name in NAMES])
        yield opened


async def names(database: Database) -> list[str]:
    """The names of all namespaces, in the order of their ids."""
    async with database.session() as session:
        return list((await session.scalars(select(Namespace.name).order_by(Namespace.id))).all())


async def test_statement_tells_how_many_rows_it_changed(database: Database) -> None:
    async with Transactions(database, "api").begin() as transaction:
        rename = update(Namespace).where(Namespace.name != "one").values(name=Namespace.name + "s")
        changed = await transaction.session.execute(rename)
        assert changed.rowcount == 2  # type: ignore[attr-defined]
        gone = delete(Namespace).where(Namespace.name == "one").returning(Namespace.name)
        assert (await transaction.session.scalars(gone)).all() == ["one"]
    assert await names(database) == ["twos", "threes"]


async def test_new_row_knows_its_id_when_it_is_written(database: Database) -> None:
    async with Transactions(database, "api").begin() as transaction:
        namespace = Namespace(name="four")
        transaction.session.add(namespace)
        await transaction.session.flush()
        found = select(Namespace.id).where(Namespace.name == "four")
        assert namespace.id == await transaction.session.scalar(found)


async def test_one_statement_changes_many_rows_by_as_many_parameters(database: Database) -> None:
    rename = update(Namespace.__table__).where(Namespace.name == bindparam("old")).values(name=bindparam("new"))  # type: ignore[arg-type]
    async with Transactions(database, "api").begin() as transaction:
        connection = await transaction.session.connection()
        await connection.execute(rename, [{"old": name, "new": name.upper()} for name in NAMES])
    assert await names(database) == ["ONE", "TWO", "THREE"]


async def test_connection_is_of_use_when_a_statement_was_refused(database: Database) -> None:
    with pytest.raises(IntegrityError):
        async with Transactions(database, "api").begin() as transaction:
            await transaction.session.execute(insert(Namespace), {"name": "one"})
    assert await names(database) == list(NAMES)


async def test_connection_is_of_use_when_nobody_waits_for_a_statement_any_more(database: Database) -> None:
    long = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT max(i) FROM n")
    async with database.session() as session:
        waiting = asyncio.ensure_future(session.execute(long))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert await names(database) == list(NAMES)


async def test_rows_are_read_one_by_one_when_somebody_streams(database: Database) -> None:
    async with database.session() as session:
        streamed = await session.stream_scalars(select(Namespace.name).order_by(Namespace.id))
        assert [name async for name in streamed] == list(NAMES)
