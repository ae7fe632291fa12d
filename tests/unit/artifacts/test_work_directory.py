"""Where archives are written before they are stored."""

import os
from pathlib import Path

import pytest

from conda_store_artifacts.adapters.work_directory import WorkDirectory
from conda_store_shared.errors import ConfigurationError


async def test_work_directory_is_made_and_freed_of_what_dead_processes_left(tmp_path: Path) -> None:
    async with WorkDirectory(tmp_path / "a" / "work", "packing-"):
        pass
    old, young, foreign = (tmp_path / "a" / "work" / name for name in ("packing-1", "packing-2", "other"))
    for directory in (old, young, foreign):
        directory.mkdir()
        (directory / "archive.tar.gz").write_bytes(b"half")
    for directory in (old, foreign):
        os.utime(directory, (0, 0))
    async with WorkDirectory(tmp_path / "a" / "work", "packing-"):
        assert (old.exists(), young.exists(), foreign.exists()) == (False, True, True)


@pytest.fixture
def foreign_directory(tmp_path: Path) -> Path:
    if os.geteuid() != 0:
        return Path("/")
    os.chown(tmp_path, 12345, -1)
    return tmp_path


async def test_work_directory_that_belongs_to_somebody_else_is_refused(foreign_directory: Path) -> None:
    with pytest.raises(ConfigurationError, match="belongs to user id"):
        await WorkDirectory(foreign_directory, "packing-").__aenter__()
