"""Channels and packages on SQLite."""

from tests.unit.api.package_search_suite import PackageRoutesSuite


class TestPackages(PackageRoutesSuite):
    """The suite on the ledger of this directory."""
