"""How much is done at once."""

import asyncio

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
