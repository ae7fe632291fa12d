"""The log of events, on SQLite."""

import pytest

from tests.unit.api.event_lists_suite import EventListsSuite

pytestmark = pytest.mark.slow


class TestEventLists(EventListsSuite):
    """The suite on the ledger of this directory."""
