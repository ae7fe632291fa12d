"""Rights of readers of streams, on PostgreSQL."""

from tests.unit.api.event_stream_rights_suite import EventStreamRightsSuite


class TestEventStreamRights(EventStreamRightsSuite):
    """The suite on the ledger of this directory."""
