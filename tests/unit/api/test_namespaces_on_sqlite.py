"""Namespaces and the roles they grant on SQLite."""

import pytest

from tests.unit.api.namespaces_routes_suite import NamespaceRoutesSuite

pytestmark = pytest.mark.slow


class TestNamespaceRoutes(NamespaceRoutesSuite):
    """The suite on the ledger of this directory."""
