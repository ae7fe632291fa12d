"""What auth does by itself: forget tokens that have expired."""

import asyncio
from datetime import timedelta

import structlog

from conda_store_auth.use_cases.forget_expired_tokens import forget_expired_tokens
from conda_store_shared.db.moments import now
from conda_store_shared.errors import DatabaseUnavailable
from conda_store_shared.transaction import Transactions

_EVERY = timedelta(hours=1)

_log = structlog.get_logger()


class Background:
    """The loop of auth; any number of replicas may run it."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def forget_expired_forever(self) -> None:
        """Forget expired tokens every hour."""
        while True:
            try:
                await forget_expired_tokens(self._transactions, now())
            except DatabaseUnavailable as error:
                _log.warning("expired_tokens_are_kept", reason=error.message)
            await asyncio.sleep(_EVERY.total_seconds())
