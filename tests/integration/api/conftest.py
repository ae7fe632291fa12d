"""A ledger on PostgreSQL, of each test's own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.api.api_client import Api, open_api
from tests.unit.api.ledger_builders import Ledger, open_ledger
from tests.unit.api.streaming import Streaming, open_streaming


@pytest.fixture
async def ledger(postgres_url: str, tmp_path: Path) -> AsyncIterator[Ledger]:
    """A ledger without builds."""
    async with open_ledger(postgres_url, tmp_path / "objects") as opened:
        yield opened


@pytest.fixture
async def api(ledger: Ledger) -> AsyncIterator[Api]:
    """The service over HTTP, on the ledger of the test."""
    async with open_api(ledger) as opened:
        yield opened


@pytest.fixture
async def streaming(ledger: Ledger) -> AsyncIterator[Streaming]:
    """A replica of the service whose streams are fed, on the ledger of the test."""
    async with open_streaming(ledger) as opened:
        yield opened
