"""Watched files on SQLite."""

import pytest

from tests.unit.api.found_specifications_suite import FoundSpecificationsSuite

pytestmark = pytest.mark.slow


class TestFoundSpecifications(FoundSpecificationsSuite):
    """The suite on the ledger of this directory."""
