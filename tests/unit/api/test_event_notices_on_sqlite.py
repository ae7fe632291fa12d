"""Notices of events in a process that has its database to itself."""

from tests.unit.api.event_notices_suite import EventNoticesSuite


class TestEventNoticesOnSqlite(EventNoticesSuite):
    """On SQLite."""
