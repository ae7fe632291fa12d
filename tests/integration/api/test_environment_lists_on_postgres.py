"""Lists of environments on PostgreSQL."""

from tests.unit.api.environment_lists_suite import EnvironmentListsSuite


class TestEnvironmentLists(EnvironmentListsSuite):
    """The suite on the ledger of this directory."""
