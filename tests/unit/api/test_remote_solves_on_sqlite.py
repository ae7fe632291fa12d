"""Remote solves on SQLite."""

import pytest

from tests.unit.api.remote_solves_suite import RemoteSolvesSuite

pytestmark = pytest.mark.slow


class TestRemoteSolves(RemoteSolvesSuite):
    """The suite on the ledger of this directory."""
