"""Rights of readers of streams, on SQLite."""

import pytest

from tests.unit.api.event_stream_rights_suite import EventStreamRightsSuite

pytestmark = pytest.mark.slow


class TestEventStreamRights(EventStreamRightsSuite):
    """The suite on the ledger of this directory."""
