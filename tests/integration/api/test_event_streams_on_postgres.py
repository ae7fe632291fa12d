"""Streams of events, on PostgreSQL."""

from tests.unit.api.event_streams_suite import EventStreamsSuite


class TestEventStreams(EventStreamsSuite):
    """The suite on the ledger of this directory."""
