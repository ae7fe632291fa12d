"""Deliveries to webhooks, on SQLite."""

import pytest

from tests.unit.api.deliveries_suite import DeliveriesSuite, deliveries

__all__ = ["deliveries"]
pytestmark = pytest.mark.slow


class TestDeliveries(DeliveriesSuite):
    """The suite on the ledger of this directory."""
