"""Channels and packages on SQLite."""

import pytest

from tests.unit.api.package_search_suite import PackageRoutesSuite

pytestmark = pytest.mark.slow


class TestPackages(PackageRoutesSuite):
    """The suite on the ledger of this directory."""
