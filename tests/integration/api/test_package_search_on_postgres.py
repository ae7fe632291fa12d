"""Channels and packages on PostgreSQL."""

from tests.unit.api.package_search_suite import PackageRoutesSuite


class TestPackages(PackageRoutesSuite):
    """The suite on the ledger of this directory."""
