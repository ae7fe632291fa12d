"""An SQLite database with the newest schema, made once and copied."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from conda_store_shared.db.engine import Database
from conda_store_shared.db.migrate import upgrade


async def _make(path: Path) -> Path:
    async with Database(f"sqlite:///{path}") as database:
        await upgrade(database)
    return path


@pytest.fixture(scope="session")
def database_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return asyncio.run(_make(tmp_path_factory.mktemp("schema") / "template.sqlite"))


@pytest.fixture
async def database(database_template: Path, tmp_path: Path) -> AsyncIterator[Database]:
    shutil.copy(database_template, tmp_path / "test.sqlite")
    async with Database(f"sqlite:///{tmp_path / 'test.sqlite'}") as database:
        yield database
