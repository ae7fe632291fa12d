"""Deliveries of webhooks, on SQLite."""

import pytest

from tests.unit.api.webhook_deliveries_suite import WebhookDeliveriesSuite

pytestmark = pytest.mark.slow


class TestWebhookDeliveries(WebhookDeliveriesSuite):
    """The suite on the ledger of this directory."""
