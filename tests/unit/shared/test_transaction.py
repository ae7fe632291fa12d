"""Transactions, outbox and relay on SQLite."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from conda_store_shared.db.engine import Database
from conda_store_shared.db.models import Model
from conda_store_shared.transaction import Transactions
from tests.unit.shared.reader_suite import ReaderSuite
from tests.unit.shared.transaction_suite import TransactionSuite

pytestmark = pytest.mark.slow


class TestTransactionsOnSQLite(TransactionSuite, ReaderSuite):
    """Every session waits for the one that writes."""

    @pytest.fixture
    async def transactions(self, tmp_path: Path) -> AsyncIterator[Transactions]:
        async with Database(f"sqlite:///{tmp_path / 'outbox.sqlite'}") as database:
            async with database.engine.begin() as connection:
                await connection.run_sync(Model.metadata.create_all)
            yield Transactions(database, "api")
