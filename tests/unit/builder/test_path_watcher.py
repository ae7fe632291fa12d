"""What is told of the files in watched paths, and when."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from conda_store_builder.adapters.change_notices import ChangeNotices
from conda_store_builder.adapters.path_watcher import PathWatcher, WatchOptions
from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.bus.port import Subscription
from conda_store_shared.contracts.envelope import Envelope
from conda_store_shared.contracts.events import SpecificationFound
from conda_store_shared.contracts.topology import API, queue_name
from conda_store_shared.domain.canonical import sha256_hex
from conda_store_shared.domain.storage_keys import found_specification_key
from conda_store_shared.storage.filesystem import FilesystemStore
from conda_store_shared.testing.bus_messages import eventually, running

pytestmark = pytest.mark.slow

# Longer than any test: what is told within it was noticed.
SELDOM = 3600.0


@dataclass
class Told:
    """A directory of specifications, and what was told of it."""

    root: Path
    store: FilesystemStore
    bus: MemoryBus = field(default_factory=MemoryBus)
    events: list[SpecificationFound] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.watched = self.root / "watched"
        self.watched.mkdir()
        queue = queue_name(API, SpecificationFound)
        self.bus.subscribe(Subscription(handler=self._note, queue=queue))

    async def _note(self, envelope: Envelope) -> None:
        assert isinstance(envelope.event, SpecificationFound)
        self.events.append(envelope.event)

    def write(self, name: str, text: str) -> Path:
        """Write a file in the watched directory."""
        path = self.watched / name
        path.write_text(text)
        return path

    def digests(self, path: Path) -> list[str]:
        """The digests told of a file, in their order."""
        return [event.digest for event in self.events if event.path == str(path)]

    async def hears(self, path: Path, *texts: str) -> None:
        """Return once these contents of a file were told, and no other; raises TimeoutError."""
        wanted = [sha256_hex(text.encode()) for text in texts]
        await eventually(lambda: len(self.digests(path)) >= len(wanted))
        assert self.digests(path) == wanted
        for text, digest in zip(texts, wanted, strict=True):
            assert await self.store.get(found_specification_key(digest), 1000) == text.encode()

    @asynccontextmanager
    async def watching(
        self, *paths: Path, interval: float = SELDOM, steady: float = 0.05, repeat: float = SELDOM
    ) -> AsyncIterator[None]:
        """Watch these paths, by default the directory; changes are noticed once the block begins."""
        options = WatchOptions(paths=paths or (self.watched,), interval=interval, steady=steady, repeat=repeat)
        watcher = PathWatcher(options, self.bus, self.store)
        async with running(self.bus):
            task = asyncio.create_task(watcher.run())
            try:
                yield
            finally:
                task.cancel()
                await asyncio.wait([task])
        assert task.cancelled()


@pytest.fixture
async def told(tmp_path: Path) -> AsyncIterator[Told]:
    async with FilesystemStore(tmp_path / "objects") as store:
        yield Told(tmp_path, store)


async def test_watcher_tells_of_every_file_at_the_start(told: Told) -> None:
    one, two = told.write("one.yml", "name: one"), told.write("two.yaml", "name: two")
    told.write("three.txt", "name: three")
    async with told.watching():
        await told.hears(one, "name: one")
        await told.hears(two, "name: two")
    assert len(told.events) == 2


async def test_watcher_tells_of_what_changes(told: Told) -> None:
    first = told.write("first.yml", "name: first")
    async with told.watching():
        await told.hears(first, "name: first")
        second = told.write("second.yml", "name: second")
        await told.hears(second, "name: second")
        told.write("first.yml", "name: first # changed")
        await told.hears(first, "name: first", "name: first # changed")
    assert len(told.events) == 3


async def test_watcher_tells_of_a_file_that_is_named_itself_when_an_editor_replaces_it(told: Told) -> None:
    path = told.write("a.yml", "name: a")
    async with told.watching(path):
        await told.hears(path, "name: a")
        told.write(".a.yml.swp", "name: b").rename(path)
        await told.hears(path, "name: a", "name: b")
        told.write(".a.yml.swp", "name: c").rename(path)
        await told.hears(path, "name: a", "name: b", "name: c")


async def test_watcher_waits_until_a_file_is_written_to_its_end(told: Told) -> None:
    path = told.watched / "a.yml"
    async with told.watching(steady=0.5):
        with path.open("w") as file:
            for number in range(8):
                file.write(f"# {number}\n")
                file.flush()
                # A writer slower than the watcher's looks, quicker than its patience.
                await asyncio.sleep(0.1)
        await told.hears(path, path.read_text())


async def test_watcher_tells_of_a_path_once_it_appears(told: Told) -> None:
    directory = told.root / "not" / "yet" / "there"
    async with told.watching(directory, told.root / "nor-this.yml"):
        await asyncio.sleep(0.3)  # It is there only once somebody looked for it in vain.
        directory.mkdir(parents=True)
        (directory / "a.yml").write_text("name: a")
        await told.hears(directory / "a.yml", "name: a")
        (told.root / "nor-this.yml").write_text("name: b")
        await told.hears(told.root / "nor-this.yml", "name: b")


async def test_watcher_tells_of_files_in_a_directory_that_took_the_place_of_another(told: Told) -> None:
    path = told.write("a.yml", "name: a")
    async with told.watching():
        await told.hears(path, "name: a")
        told.watched.rename(told.root / "old")
        told.watched.mkdir()
        told.write("a.yml", "name: b")
        await told.hears(path, "name: a", "name: b")
        told.write("a.yml", "name: c")
        await told.hears(path, "name: a", "name: b", "name: c")


async def test_watcher_tells_of_a_change_that_nothing_gives_notice_of(told: Told) -> None:
    """As on a volume of another machine: only the file behind the link changes."""
    outside = told.root / "outside"
    outside.write_text("name: a")
    path = told.watched / "a.yml"
    path.symlink_to(outside)
    async with told.watching(interval=0.1):
        await told.hears(path, "name: a")
        outside.write_text("name: b")
        await told.hears(path, "name: a", "name: b")


async def test_watcher_says_nothing_of_a_file_that_went(told: Told) -> None:
    path = told.write("a.yml", "name: a")
    async with told.watching(interval=0.1):
        await told.hears(path, "name: a")
        path.unlink()
        other = told.write("b.yml", "name: b")
        await told.hears(other, "name: b")
    assert len(told.events) == 2


async def test_watcher_tells_why_a_file_cannot_be_read_and_goes_on(told: Told) -> None:
    broken, good = told.watched / "a.yml", told.write("b.yml", "name: b")
    broken.symlink_to(broken)
    async with told.watching():
        await told.hears(good, "name: b")
        broken.unlink()
        broken.write_text("name: a")
        await eventually(lambda: len(told.events) == 3)
    first, second = (event for event in told.events if event.path == str(broken))
    assert (first.digest, first.code, first.detail) == ("", "unreadable", "Too many levels of symbolic links")
    assert second.digest == sha256_hex(b"name: a")


async def test_watcher_tells_of_a_file_whose_name_is_no_text(told: Told) -> None:
    told.write(os.fsdecode(b"\xff.yml"), "name: a")
    async with told.watching():
        await eventually(lambda: bool(told.events))
    assert told.events[0].path == f"{told.watched}/\\xff.yml"


async def test_watcher_tells_of_everything_again_after_a_while(told: Told) -> None:
    path = told.write("a.yml", "name: a")
    async with told.watching(interval=0.05, repeat=0.1):
        await eventually(lambda: len(told.digests(path)) >= 3)
    assert set(told.digests(path)) == {sha256_hex(b"name: a")}


async def test_watcher_tells_of_everything_again_when_the_broker_is_back(told: Told) -> None:
    path = told.write("a.yml", "name: a")
    async with told.watching():
        await told.hears(path, "name: a")
        async with running(told.bus):
            await told.hears(path, "name: a", "name: a")


async def test_watcher_tries_again_when_the_store_was_away(told: Told) -> None:
    objects, away = told.root / "objects", told.root / "away"
    objects.rename(away)
    objects.write_text("This is no directory.")
    path = told.write("a.yml", "name: a")
    async with told.watching(interval=0.1):
        await asyncio.sleep(0.3)  # Long enough for a few failures.
        assert told.events == []
        objects.unlink()
        away.rename(objects)
        await told.hears(path, "name: a")


async def test_notices_come_when_a_directory_could_not_be_listened_in_at_first(told: Told) -> None:
    noticed = asyncio.Event()
    notices = ChangeNotices([told.watched], noticed.set)
    notices.listen({(told.root / "gone", 0, 0)})
    task = asyncio.create_task(notices.run())
    await asyncio.sleep(0.1)  # It failed by now.
    assert not task.done()
    notices.listen({(told.watched, 0, 0)})
    async with asyncio.timeout(10):
        await noticed.wait()
        noticed.clear()
        told.write("a.yml", "name: a")
        await noticed.wait()
    task.cancel()
    await asyncio.wait([task])
