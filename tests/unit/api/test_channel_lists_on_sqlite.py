"""Lists of channels on SQLite."""

import pytest

from tests.unit.api.channel_lists_suite import ListRequestsSuite, ListsSuite

pytestmark = pytest.mark.slow


class TestListRequests(ListRequestsSuite):
    """The suite on the ledger of this directory."""


class TestLists(ListsSuite):
    """The suite on that ledger."""
