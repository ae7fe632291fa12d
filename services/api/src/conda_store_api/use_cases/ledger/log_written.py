"""A piece of a build's log."""

from conda_store_api.repositories.logs import append_log
from conda_store_shared.contracts.events import LogWritten
from conda_store_shared.transaction import Transaction


async def log_written(event: LogWritten, transaction: Transaction) -> None:
    """Keep the piece once, whatever order pieces arrive in."""
    await append_log(transaction.session, event)
