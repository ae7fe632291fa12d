"""How many rows a list has, on SQLite."""

import pytest

from tests.unit.api.counts_suite import CountsSuite

pytestmark = pytest.mark.slow


class TestCounts(CountsSuite):
    """The suite on the ledger of this directory."""
