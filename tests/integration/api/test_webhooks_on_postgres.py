"""Webhooks on PostgreSQL."""

from tests.unit.api.webhooks_suite import WebhooksSuite


class TestWebhooks(WebhooksSuite):
    """The suite on the ledger of this directory."""
