"""Streams of events, on SQLite."""

import pytest

from tests.unit.api.event_streams_suite import EventStreamsSuite

pytestmark = pytest.mark.slow


class TestEventStreams(EventStreamsSuite):
    """The suite on the ledger of this directory."""
