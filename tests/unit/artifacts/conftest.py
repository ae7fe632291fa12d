"""An SQLite database of each test's own."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from conda_store_shared.db.engine import Database


@pytest.fixture
async def database(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Database]:
    shutil.copy(sqlite_template, tmp_path / "test.sqlite")
    async with Database(f"sqlite:///{tmp_path / 'test.sqlite'}") as database:
        yield database
