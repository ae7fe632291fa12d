"""Deliveries to webhooks on PostgreSQL."""

from tests.unit.api.deliveries_suite import DeliveriesSuite, deliveries

__all__ = ["deliveries"]


class TestDeliveries(DeliveriesSuite):
    """The suite on the ledger of this directory."""
