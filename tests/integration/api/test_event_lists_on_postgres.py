"""The log of events on PostgreSQL."""

from tests.unit.api.event_lists_suite import EventListsSuite


class TestEventLists(EventListsSuite):
    """The suite on the ledger of this directory."""
