"""Takes old events out of the log, once everybody who is told of them in order is past them."""

from datetime import datetime, timedelta

from conda_store_api.repositories.event_log import find_awaited, forget_before
from conda_store_shared.transaction import Transactions

_AT_ONCE = 1000


async def forget_events(transactions: Transactions, days_kept: float, now: datetime) -> int:
    """Remove those that are older, some at a time; return how many.

    What an active webhook, the exchange or a hook of the configuration has still to be told of stays, and so does the
    last event of all, from whose id the next ones go on.  Raises DatabaseUnavailable.
    """
    total, removed = 0, _AT_ONCE
    while removed == _AT_ONCE:
        async with transactions.begin() as transaction:
            awaited = await find_awaited(transaction.session)
            before = now - timedelta(days=days_kept)
            removed = await forget_before(transaction.session, before, awaited, _AT_ONCE)
        total += removed
    return total
