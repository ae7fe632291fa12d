"""Settings on SQLite."""

from tests.unit.api.settings_routes_suite import SettingsRoutesSuite
from tests.unit.api.settings_rows_suite import SettingsRowsSuite


class TestSettingsRows(SettingsRowsSuite):
    """The suite on the ledger of this directory."""


class TestSettingsRoutes(SettingsRoutesSuite):
    """The suite over HTTP on that ledger."""
