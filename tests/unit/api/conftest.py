"""One database and one loop for all tests here: to compile every statement anew for each test takes half their time."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from conda_store_shared.storage.filesystem import FilesystemStore
from tests.unit.api.api_client import Api, open_api
from tests.unit.api.ledger_builders import Ledger, copy_of, empty, open_ledger
from tests.unit.api.streaming import Streaming, open_streaming

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of this directory in the loop of the session."""
    for item in items:
        if _HERE in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def kept_ledger(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ledger]:
    """A ledger with what the last test left in it."""
    directory = tmp_path_factory.mktemp("ledger")
    async with open_ledger(copy_of(sqlite_template, directory), directory / "objects") as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def ledger(kept_ledger: Ledger, tmp_path: Path) -> AsyncIterator[Ledger]:
    """A ledger without builds."""
    await empty(kept_ledger.database)
    async with FilesystemStore(tmp_path / "objects") as store:
        yield Ledger(kept_ledger.database, store)


@pytest_asyncio.fixture(loop_scope="session")
async def api(ledger: Ledger) -> AsyncIterator[Api]:
    """The service over HTTP, on the ledger of the test."""
    async with open_api(ledger) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def streaming(ledger: Ledger) -> AsyncIterator[Streaming]:
    """A replica of the service whose streams are fed, on the ledger of the test."""
    async with open_streaming(ledger) as opened:
        yield opened
