"""Rows of settings on SQLite."""

from tests.unit.api.settings_rows_suite import SettingsRowsSuite


class TestSettingsRows(SettingsRowsSuite):
    """The suite on the ledger of this directory."""
