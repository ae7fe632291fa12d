"""Forgets deliveries that were over long ago, and secrets that sign nothing any more."""

from datetime import datetime, timedelta

from conda_store_api.repositories.webhook_deliveries import delete_old_deliveries
from conda_store_api.repositories.webhooks import delete_expired_secrets
from conda_store_shared.transaction import Transactions

_AT_ONCE = 1000


async def forget_deliveries(transactions: Transactions, days_kept: float, now: datetime) -> int:
    """Remove them, some at a time; return how many deliveries there were.  Raises DatabaseUnavailable."""
    async with transactions.begin() as transaction:
        await delete_expired_secrets(transaction.session, now)
    total, removed = 0, _AT_ONCE
    while removed == _AT_ONCE:
        async with transactions.begin() as transaction:
            removed = await delete_old_deliveries(transaction.session, now - timedelta(days=days_kept), _AT_ONCE)
        total += removed
    return total
