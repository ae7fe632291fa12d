"""A builder measured the disk of the prefixes."""

from datetime import datetime

from conda_store_api.repositories.storage import note_storage
from conda_store_shared.contracts.events import StorageMeasured
from conda_store_shared.transaction import Transaction


async def storage_measured(event: StorageMeasured, transaction: Transaction, now: datetime) -> None:
    """Keep the figures in place of older ones."""
    await note_storage(transaction.session, event, now)
