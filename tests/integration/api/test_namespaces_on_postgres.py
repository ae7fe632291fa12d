"""Namespaces and the roles they grant on PostgreSQL."""

from tests.unit.api.namespaces_routes_suite import NamespaceRoutesSuite


class TestNamespaceRoutes(NamespaceRoutesSuite):
    """The suite on the ledger of this directory."""
