"""Webhooks, on SQLite."""

import pytest

from tests.unit.api.webhooks_suite import WebhooksSuite

pytestmark = pytest.mark.slow


class TestWebhooks(WebhooksSuite):
    """The suite on the ledger of this directory."""
