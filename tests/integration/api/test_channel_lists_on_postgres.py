"""Lists of channels on PostgreSQL."""

from tests.unit.api.channel_lists_suite import ListRequestsSuite, ListsSuite


class TestListRequests(ListRequestsSuite):
    """The suite on the ledger of this directory."""


class TestLists(ListsSuite):
    """The suite on that ledger."""
