"""Old events leave the log, on SQLite."""

import pytest

from tests.unit.api.forgotten_events_suite import ForgottenEventsSuite

pytestmark = pytest.mark.slow


class TestForgottenEvents(ForgottenEventsSuite):
    """The suite on the ledger of this directory."""
