"""Settings on SQLite."""

import pytest

from tests.unit.api.settings_routes_suite import SettingsRoutesSuite
from tests.unit.api.settings_rows_suite import SettingsRowsSuite

pytestmark = pytest.mark.slow


class TestSettingsRows(SettingsRowsSuite):
    """The suite on the ledger of this directory."""


class TestSettingsRoutes(SettingsRoutesSuite):
    """The suite over HTTP on that ledger."""
