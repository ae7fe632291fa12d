"""Old events leave the log, on PostgreSQL."""

from tests.unit.api.forgotten_events_suite import ForgottenEventsSuite


class TestForgottenEvents(ForgottenEventsSuite):
    """The suite on the ledger of this directory."""
