"""Tokens that ended by themselves need no row."""

from datetime import datetime, timedelta

import structlog

from conda_store_auth.repositories.tokens import delete_expired_tokens
from conda_store_shared.transaction import Transactions

# Clocks differ: a revoked token must not count again on a machine that is behind.
_AFTER = timedelta(days=1)

_log = structlog.get_logger()


async def forget_expired_tokens(transactions: Transactions, now: datetime) -> None:
    """Delete the rows of tokens that expired a day ago.  ``now`` is naive UTC; raises DatabaseUnavailable."""
    async with transactions.begin() as transaction:
        forgotten = await delete_expired_tokens(transaction.session, now - _AFTER)
    if forgotten:
        _log.info("expired_tokens_forgotten", count=forgotten)
