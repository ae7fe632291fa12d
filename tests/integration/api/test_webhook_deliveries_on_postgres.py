"""Deliveries of webhooks on PostgreSQL."""

from tests.unit.api.webhook_deliveries_suite import WebhookDeliveriesSuite


class TestWebhookDeliveries(WebhookDeliveriesSuite):
    """The suite on the ledger of this directory."""
