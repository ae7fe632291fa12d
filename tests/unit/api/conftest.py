"""A ledger of each test's own."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.api.ledger_builders import Ledger, copy_of, make_template, open_ledger


@pytest.fixture(scope="session")
def ledger_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database with the newest schema."""
    return asyncio.run(make_template(tmp_path_factory.mktemp("schema") / "template.sqlite"))


@pytest.fixture
async def ledger(ledger_template: Path, tmp_path: Path) -> AsyncIterator[Ledger]:
    """A ledger without builds."""
    async with open_ledger(copy_of(ledger_template, tmp_path), tmp_path / "objects") as opened:
        yield opened
