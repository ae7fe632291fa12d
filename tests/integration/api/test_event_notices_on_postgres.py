"""Notices of events between processes."""

from tests.unit.api.event_notices_suite import EventNoticesSuite


class TestEventNoticesOnPostgres(EventNoticesSuite):
    """On PostgreSQL."""
