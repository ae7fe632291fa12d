"""The object store on a directory."""

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from conda_store_shared.errors import StorageUnavailable
from conda_store_shared.storage.filesystem import FilesystemStore
from conda_store_shared.testing.suites.object_store_suite import LARGE_BYTES, TEXT, ObjectStoreSuite, write_large_file

pytestmark = pytest.mark.slow

# Opens, and fails with EIO when its first byte is read.
UNREADABLE = Path("/proc/self/mem")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "storage"


@pytest.fixture
async def store(root: Path) -> AsyncIterator[FilesystemStore]:
    async with FilesystemStore(root) as store:
        yield store


def incoming(root: Path) -> list[Path]:
    return list((root / ".incoming").iterdir())


class TestFilesystemStore(ObjectStoreSuite):
    """The suite, and what is special about files."""

    async def test_store_has_no_address_for_an_object_on_disk(self, store: FilesystemStore) -> None:
        await store.put("logs/a.log", b"x", TEXT)
        assert await store.address("logs/a.log", TEXT) is None

    async def test_store_keeps_objects_as_plain_files_under_their_keys(
        self, store: FilesystemStore, root: Path, tmp_path: Path
    ) -> None:
        path = tmp_path / "archive"
        write_large_file(path)
        await store.put("logs/a.log", b"x", TEXT)
        await store.put_file("archive/a.tar.gz", path, "application/gzip")
        assert (root / "logs" / "a.log").read_bytes() == b"x"
        assert (root / "archive" / "a.tar.gz").stat().st_size == LARGE_BYTES
        assert incoming(root) == []

    async def test_store_keeps_the_old_object_when_a_write_fails(self, store: FilesystemStore, root: Path) -> None:
        await store.put("archive/a.tar.gz", b"old", TEXT)
        with pytest.raises(StorageUnavailable, match="Input/output error"):
            await store.put_file("archive/a.tar.gz", UNREADABLE, TEXT)
        assert await store.get("archive/a.tar.gz", 10) == b"old"
        assert incoming(root) == []

    async def test_store_drops_what_a_dead_process_left_behind_a_day_ago(
        self, store: FilesystemStore, root: Path
    ) -> None:
        old, young = root / ".incoming" / "old", root / ".incoming" / "young"
        for left in (old, young):
            left.write_bytes(b"half")
        os.utime(old, (0, 0))
        async with FilesystemStore(root):
            assert incoming(root) == [young]

    async def test_store_works_again_when_its_directory_was_emptied(self, store: FilesystemStore, root: Path) -> None:
        shutil.rmtree(root)
        await store.put("logs/a.log", b"x", TEXT)
        assert await store.get("logs/a.log", 10) == b"x"

    async def test_store_is_unavailable_when_its_root_is_no_directory(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"")
        store = FilesystemStore(tmp_path / "file")
        with pytest.raises(StorageUnavailable, match=r"exists|Not a directory"):
            await store.check()
        with pytest.raises(StorageUnavailable, match=r"exists|Not a directory"):
            await store.put("logs/a.log", b"x", TEXT)
        assert await store.head("logs/a.log") is None
