"""What builders measure of their disk is kept, the newest alone."""

from conda_store_api.repositories.storage import find_free_storage
from conda_store_api.use_cases.ledger.storage_measured import storage_measured
from conda_store_shared.contracts.events import StorageMeasured
from tests.unit.api.ledger_builders import Ledger


async def measured(ledger: Ledger, *free: int) -> int | None:
    for figure in free:
        async with ledger.transactions.begin() as transaction:
            event = StorageMeasured(free=figure, used=1, total=2**45)
            await storage_measured(event, transaction, ledger.now)
    async with ledger.database.session() as session:
        return await find_free_storage(session)


async def test_newest_figures_are_those_that_count(ledger: Ledger) -> None:
    assert await measured(ledger) is None
    assert await measured(ledger, 2**44) == 2**44
    assert await measured(ledger, 5, 0) == 0
