"""What reading columns of rows is like on every database."""

import pytest
from sqlalchemy import Integer, bindparam, select

from conda_store_shared.db.models import CondaChannel, Namespace
from conda_store_shared.db.moments import now
from conda_store_shared.db.statements import is_any_of
from conda_store_shared.transaction import Transactions

NAMED = select(Namespace.id, Namespace.name, Namespace.metadata_).order_by(Namespace.name)


class ReaderSuite:
    """Subclasses provide ``transactions`` on an empty database."""

    @pytest.fixture
    async def names(self, transactions: Transactions) -> dict[str, int]:
        """Ids of three namespaces."""
        async with transactions.begin() as transaction:
            rows = [Namespace(name=name, metadata_={"of": [name]}) for name in ("c", "a", "b")]
            transaction.session.add_all(rows)
            await transaction.session.flush()
            return {row.name: row.id for row in rows}

    async def test_rows_are_tuples_of_the_columns(self, transactions: Transactions, names: dict[str, int]) -> None:
        moment = now()
        async with transactions.begin() as transaction:
            transaction.session.add(CondaChannel(name="x", last_update=moment))
        async with transactions.database.reader() as reader:
            rows = await reader.rows(NAMED)
            assert [tuple(row) for row in rows] == [(names[name], name, {"of": [name]}) for name in ("a", "b", "c")]
            assert await reader.value(select(CondaChannel.last_update)) == moment
            assert await reader.rows(NAMED.where(Namespace.name == "d")) == []
            assert await reader.value(NAMED.where(Namespace.name == "d")) is None

    async def test_statement_is_kept_when_its_parameters_change(
        self, transactions: Transactions, names: dict[str, int]
    ) -> None:
        some = NAMED.where(is_any_of(Namespace.id, "ids")).limit(bindparam("limit", 10, type_=Integer))
        async with transactions.database.reader() as reader:
            for wanted in (["a"], ["a", "b"], [], ["c"]):
                rows = await reader.rows(some, ids=[names[name] for name in wanted])
                assert [row[1] for row in rows] == wanted
            assert len(await reader.rows(some, ids=list(names.values()), limit=2)) == 2

    async def test_each_read_sees_what_is_committed(self, transactions: Transactions) -> None:
        for number in range(3):
            async with transactions.begin() as transaction:
                transaction.session.add(Namespace(name=f"n-{number}"))
            async with transactions.database.reader() as reader:
                assert len(await reader.rows(NAMED)) == number + 1
