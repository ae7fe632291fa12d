"""Watched files on PostgreSQL."""

from tests.unit.api.found_specifications_suite import FoundSpecificationsSuite


class TestFoundSpecifications(FoundSpecificationsSuite):
    """The suite on the ledger of this directory."""
