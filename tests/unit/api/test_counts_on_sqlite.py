"""How many rows a list has, on SQLite."""

from tests.unit.api.counts_suite import CountsSuite


class TestCounts(CountsSuite):
    """The suite on the ledger of this directory."""
