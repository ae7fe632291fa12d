"""How many rows a list has, on PostgreSQL."""

from tests.unit.api.counts_suite import CountsSuite


class TestCounts(CountsSuite):
    """The suite on the ledger of this directory."""
