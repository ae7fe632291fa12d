"""A file that threads use, while whoever asked them to is cancelled."""

import asyncio
import os
import threading
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

import pytest

from conda_store_shared.storage.threaded_file import ThreadedFile


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    os.close(writing)


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


async def test_file_stays_open_while_a_thread_reads_it_though_its_reader_was_cancelled(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    file = ThreadedFile(lambda: FileIO(reading))

    async def read() -> None:
        async with file:
            await file.read(10)

    reader = asyncio.create_task(read())
    # The thread waits for what nobody has written.
    await asyncio.sleep(0.1)
    reader.cancel()
    await asyncio.wait({reader}, timeout=0.1)
    assert is_open(reading)
    assert not reader.done()
    os.write(writing, b"x")
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert not is_open(reading)


async def test_file_is_closed_when_it_is_left(tmp_path: Path) -> None:
    path = tmp_path / "file"
    async with ThreadedFile(lambda: FileIO(path, "xb")) as file:
        await file.write([b"abc", b"", b"def"])
        await file.sync()
        descriptor = file.fileno()
    assert not is_open(descriptor)
    async with ThreadedFile(lambda: FileIO(path)) as file:
        assert [await file.read(4), await file.read(4), await file.read(4)] == [b"abcd", b"ef", b""]
    with pytest.raises(ValueError, match="closed"):
        await file.read()


async def test_file_tells_what_the_disk_does_not_take() -> None:
    with pytest.raises(OSError, match="No space left on device"):
        async with ThreadedFile(lambda: FileIO("/dev/full", "w")) as file:
            await file.write([b"x"])


async def test_file_is_closed_though_its_user_was_cancelled_while_it_was_opened(tmp_path: Path) -> None:
    may_open, opened = threading.Event(), []

    def open_late() -> FileIO:
        may_open.wait()
        opened.append(FileIO(tmp_path / "file", "xb"))
        return opened[0]

    entering = asyncio.create_task(ThreadedFile(open_late).__aenter__())
    await asyncio.sleep(0.05)
    entering.cancel()
    await asyncio.sleep(0)
    may_open.set()
    with pytest.raises(asyncio.CancelledError):
        await entering
    assert [file.closed for file in opened] == [True]
