"""Rows of settings on PostgreSQL."""

from tests.unit.api.settings_rows_suite import SettingsRowsSuite


class TestSettingsRows(SettingsRowsSuite):
    """The suite on the ledger of this directory."""
