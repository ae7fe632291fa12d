"""An object store with copies of its fragments on local disk."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from conda_store_artifacts.adapters.fragment_cache import FragmentCache
from conda_store_shared.errors import NotFound, StorageUnavailable, TooLarge
from conda_store_shared.storage.filesystem import FilesystemStore
from conda_store_shared.testing.suites.object_store_suite import TEXT, ObjectStoreSuite, read_all

pytestmark = pytest.mark.slow

KEY = "fragment/" + "ab" * 32
CONTENT = b"fragment" * 100_000


@pytest.fixture
async def far(tmp_path: Path) -> AsyncIterator[FilesystemStore]:
    async with FilesystemStore(tmp_path / "far") as far:
        yield far


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "copies"


@pytest.fixture
def store(far: FilesystemStore, directory: Path) -> FragmentCache:
    return FragmentCache(far, directory)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A fragment that was just made."""
    path = tmp_path / "made"
    path.write_bytes(CONTENT)
    return path


def copies(directory: Path) -> list[Path]:
    return list(directory.glob("*"))


def fill_disk(path: Path) -> None:
    """Let whatever we write to an open file from now on fail with ENOSPC."""
    with Path("/dev/full").open("wb") as full:
        os.dup2(full.fileno(), descriptor_of(path))


def break_off(path: Path) -> None:
    """Let whatever we read from an open file from now on fail with EIO."""
    with Path("/proc/self/mem").open("rb") as broken:
        os.dup2(broken.fileno(), descriptor_of(path))


def opened_files() -> list[Path]:
    return [Path(os.path.realpath(link)) for link in Path("/proc/self/fd").iterdir()]


def descriptor_of(path: Path) -> int:
    links = Path("/proc/self/fd").iterdir()
    return next(int(link.name) for link in links if os.path.realpath(link) == str(path))


def leave(path: Path, age: float) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"0123456789")
    os.utime(path, (time.time() - age, time.time() - age))


class TestFragmentCache(ObjectStoreSuite):
    """The suite, and what is special about copies."""

    async def test_fragment_that_was_stored_is_read_from_the_copy(
        self, store: FragmentCache, far: FilesystemStore, made: Path
    ) -> None:
        await store.put_file(KEY, made, TEXT)
        assert await far.get(KEY, len(CONTENT)) == CONTENT
        await far.delete(KEY)
        assert await read_all(store.stream(KEY)) == CONTENT
        assert await store.get(KEY, len(CONTENT)) == CONTENT
        with pytest.raises(TooLarge, match="7 bytes"):
            await store.get(KEY, 7)

    @pytest.mark.parametrize("streamed", [True, False])
    async def test_fragment_of_another_worker_is_read_from_the_store_once(
        self, store: FragmentCache, far: FilesystemStore, streamed: bool
    ) -> None:
        await far.put(KEY, CONTENT, TEXT)
        content = await read_all(store.stream(KEY)) if streamed else await store.get(KEY, len(CONTENT))
        await far.delete(KEY)
        assert content == await read_all(store.stream(KEY)) == CONTENT

    async def test_fragment_that_is_not_read_to_its_end_has_no_copy(
        self, store: FragmentCache, far: FilesystemStore, directory: Path
    ) -> None:
        await far.put(KEY, CONTENT, TEXT)
        async with aclosing(store.stream(KEY)) as pieces:  # type: ignore[type-var]
            assert CONTENT.startswith(await anext(pieces))
        assert await read_all(store.stream(KEY, 8, 16)) == b"fragment"
        assert copies(directory) == []

    async def test_copy_goes_with_its_object(self, store: FragmentCache, made: Path, directory: Path) -> None:
        await store.put_file(KEY, made, TEXT)
        await store.delete(KEY)
        assert copies(directory) == []
        with pytest.raises(NotFound):
            await store.get(KEY, len(CONTENT))

    async def test_fragment_may_be_stored_again(self, store: FragmentCache, made: Path) -> None:
        await store.put_file(KEY, made, TEXT)
        await store.put_file(KEY, made, TEXT)
        assert await store.get(KEY, len(CONTENT)) == CONTENT

    async def test_nothing_else_has_a_copy(
        self, store: FragmentCache, far: FilesystemStore, made: Path, directory: Path
    ) -> None:
        await store.put_file("archive/a.tar.gz", made, TEXT)
        await store.get("archive/a.tar.gz", len(CONTENT))
        await read_all(store.stream("archive/a.tar.gz"))
        assert copies(directory) == []

    async def test_store_does_without_copies_where_none_can_be_written(
        self, far: FilesystemStore, made: Path
    ) -> None:
        store = FragmentCache(far, made / "no directory")
        await store.put_file(KEY, made, TEXT)
        assert await read_all(store.stream(KEY)) == CONTENT
        assert await store.get(KEY, len(CONTENT)) == CONTENT

    async def test_no_copy_is_made_when_too_little_of_the_volume_is_free(
        self, far: FilesystemStore, made: Path, directory: Path
    ) -> None:
        store = FragmentCache(far, directory, least_free=1.0)
        await store.put_file(KEY, made, TEXT)
        assert await read_all(store.stream(KEY)) == await store.get(KEY, len(CONTENT)) == CONTENT
        assert copies(directory) == []

    async def test_copy_is_given_up_when_the_disk_is_full(
        self, store: FragmentCache, far: FilesystemStore, directory: Path
    ) -> None:
        await far.put(KEY, 4 * CONTENT, TEXT)
        pieces = store.stream(KEY)
        first = await anext(pieces)
        (draft,) = copies(directory)
        fill_disk(draft)
        assert first + await read_all(pieces) == 4 * CONTENT
        assert copies(directory) == []

    @pytest.mark.parametrize("streamed", [True, False])
    @pytest.mark.parametrize("unreadable", ["/proc/self/mem", "/", "/dev/null"])
    async def test_copy_that_the_disk_does_not_give_back_is_made_again(
        self, store: FragmentCache, far: FilesystemStore, directory: Path, streamed: bool, unreadable: str
    ) -> None:
        await far.put(KEY, CONTENT, TEXT)
        await store.get(KEY, len(CONTENT))
        (copy,) = copies(directory)
        copy.unlink()
        # The first opens and fails with EIO, the second does not open, the third is empty.
        copy.symlink_to(unreadable)
        content = await read_all(store.stream(KEY)) if streamed else await store.get(KEY, len(CONTENT))
        assert content == CONTENT
        await store.get(KEY, len(CONTENT))
        assert [path.is_symlink() for path in copies(directory)] == [False]

    async def test_store_goes_on_where_a_copy_ends_that_breaks_off(
        self, store: FragmentCache, far: FilesystemStore, directory: Path
    ) -> None:
        await far.put(KEY, CONTENT, TEXT)
        await store.get(KEY, len(CONTENT))
        pieces = store.stream(KEY)
        content = await anext(pieces)
        (copy,) = copies(directory)
        break_off(copy)
        assert content + await read_all(pieces) == CONTENT
        assert copies(directory) == []

    @pytest.mark.parametrize("stored", [True, False])
    async def test_reader_that_is_cancelled_leaves_nothing_behind(
        self, store: FragmentCache, far: FilesystemStore, directory: Path, tmp_path: Path, stored: bool
    ) -> None:
        await far.put(KEY, 20 * CONTENT, TEXT)
        if stored:
            await read_all(store.stream(KEY))
        for pause in range(12):
            reader = asyncio.create_task(read_all(store.stream(KEY)))
            await asyncio.sleep(pause / 2000)
            reader.cancel()
            await asyncio.wait({reader})
            assert [path for path in copies(directory) if path.name.startswith(".")] == []
        assert [path for path in opened_files() if path.is_relative_to(tmp_path)] == []
        assert await read_all(store.stream(KEY)) == 20 * CONTENT

    async def test_object_is_deleted_though_its_copy_cannot_be(self, far: FilesystemStore, made: Path) -> None:
        await far.put(KEY, CONTENT, TEXT)
        await FragmentCache(far, made / "no directory").delete(KEY)
        assert await far.head(KEY) is None

    async def test_fragment_is_not_told_to_be_stored_when_the_store_did_not_take_it(
        self, store: FragmentCache, far: FilesystemStore, directory: Path
    ) -> None:
        with pytest.raises(StorageUnavailable):
            await store.put_file(KEY, Path("/proc/self/mem"), TEXT)
        assert copies(directory) == []

    async def test_copies_go_when_they_were_not_used_for_long(self, store: FragmentCache, directory: Path) -> None:
        for name, age in (("old", 100), (".draft", 100), ("new", 5)):
            leave(directory / name, age)
        store.remove_unused(50)
        assert copies(directory) == [directory / "new"]

    async def test_oldest_copies_go_when_there_are_too_many(self, far: FilesystemStore, directory: Path) -> None:
        for age in (10, 20, 30, 40):
            leave(directory / str(age), age)
        (directory / "directory").mkdir()
        FragmentCache(far, directory, most=25).remove_unused(50)
        assert sorted(copies(directory)) == [directory / "10", directory / "20", directory / "directory"]

    async def test_no_copy_is_made_when_there_are_too_many(
        self, far: FilesystemStore, made: Path, directory: Path
    ) -> None:
        store = FragmentCache(far, directory, most=2 * len(CONTENT))
        for letter in "abcd":
            await store.put_file(f"fragment/{letter * 64}", made, TEXT)
        await far.put(KEY, CONTENT, TEXT)
        assert await store.get(KEY, len(CONTENT)) == await read_all(store.stream(KEY)) == CONTENT
        assert sorted(path.name[0] for path in copies(directory)) == ["a", "b"]
        store.remove_unused(0)
        await store.get(KEY, len(CONTENT))
        assert [path.name[:2] for path in copies(directory)] == ["ab"]

    async def test_copy_that_is_read_is_kept_as_if_it_were_new(
        self, store: FragmentCache, far: FilesystemStore, directory: Path
    ) -> None:
        await far.put(KEY, CONTENT, TEXT)
        await store.get(KEY, len(CONTENT))
        (copy,) = copies(directory)
        os.utime(copy, (1, 1))
        await store.get(KEY, len(CONTENT))
        store.remove_unused(50)
        assert copies(directory) == [copy]

    async def test_nothing_is_removed_where_nothing_is(self, store: FragmentCache, directory: Path) -> None:
        store.remove_unused(50)
        assert copies(directory) == []
