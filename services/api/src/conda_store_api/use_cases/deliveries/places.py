"""How much is done at once."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from conda_store_api.use_cases.deliveries.tools import DeliveryOptions
from conda_store_shared.db.models import Webhook

# Connections of the database that deliveries take, of those that requests need as well.
_DATABASE = 3


class Places:
    """Places for requests to webhooks, those that fail having few of their own; and for questions to the database."""

    def __init__(self, options: DeliveryOptions) -> None:
        self.database = asyncio.Semaphore(_DATABASE)
        self._working = asyncio.Semaphore(options.at_once)
        self._failing = asyncio.Semaphore(options.failing_at_once)

    def of(self, webhook: Webhook) -> asyncio.Semaphore:
        """Where a request to a webhook finds its place."""
        return self._working if webhook.failing_since is None else self._failing


class UnderWay:
    """Requests that have been sent and are not noted yet."""

    def __init__(self) -> None:
        self.is_ending = False
        self._count = 0
        self._none = asyncio.Event()
        self._none.set()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Count one."""
        self._count += 1
        self._none.clear()
        try:
            yield
        finally:
            self._count -= 1
            if not self._count:
                self._none.set()

    async def end(self, seconds: float) -> None:
        """Have no more begin, and wait for those there are, for a time."""
        self.is_ending = True
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._none.wait()
