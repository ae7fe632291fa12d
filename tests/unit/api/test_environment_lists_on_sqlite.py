"""Lists of environments on SQLite."""

import pytest

from tests.unit.api.environment_lists_suite import EnvironmentListsSuite

pytestmark = pytest.mark.slow


class TestEnvironmentLists(EnvironmentListsSuite):
    """The suite on the ledger of this directory."""
