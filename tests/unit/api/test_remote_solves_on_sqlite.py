"""Remote solves on SQLite."""

from tests.unit.api.remote_solves_suite import RemoteSolvesSuite


class TestRemoteSolves(RemoteSolvesSuite):
    """The suite on the ledger of this directory."""
