"""What every ObjectStore must do.  Subclass it and give it a fixture ``store`` that yields an empty, open store."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from conda_store_shared.errors import InvalidInput, NotFound, TooLarge
from conda_store_shared.storage.object_store import ObjectStore

TEXT = "text/plain; charset=utf-8"
# Longer than two parts of an upload, and no multiple of anything.
LARGE_BYTES = 20 * 1024 * 1024 + 12_345
BAD_KEYS = (
    "",
    "/",
    "/etc/passwd",
    "..",
    "../outside",
    "logs/../../outside",
    "logs//x.log",
    "fragment//etc/passwd",
    "fragment/../x",
    "logs/",
    "./logs/x.log",
    ".incoming/x",
    "logs\\..\\x",
    "logs/x\x00.log",
    "logs/x\n.log",
    "logs/" + "x" * 300,
    "/".join(["long"] * 300),
)


async def read_all(stream: AsyncIterator[bytes]) -> bytes:
    """The bytes of a stream, joined."""
    return b"".join([piece async for piece in stream])


async def in_pieces(content: bytes, size: int) -> AsyncIterator[bytes]:
    """``content`` as a stream of pieces of ``size`` bytes."""
    for start in range(0, len(content), size):
        yield content[start : start + size]


def write_large_file(path: Path) -> str:
    """Write a file of random bytes; returns its SHA-256 (hex)."""
    content = os.urandom(LARGE_BYTES)
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


class ObjectStoreSuite:
    """Behaviour promised by the port."""

    async def test_store_returns_what_was_put(self, store: ObjectStore) -> None:
        stored = await store.put("logs/a.log", b"hello\n", TEXT)
        assert (stored.key, stored.size) == ("logs/a.log", 6)
        assert await store.get("logs/a.log", 100) == b"hello\n"

    async def test_store_keeps_an_empty_object(self, store: ObjectStore) -> None:
        await store.put("logs/empty.log", b"", TEXT)
        assert await store.get("logs/empty.log", 0) == b""
        assert await read_all(store.stream("logs/empty.log")) == b""

    async def test_store_replaces_an_object_that_is_put_again(self, store: ObjectStore) -> None:
        first = await store.put("yaml/a.yml", b"one", TEXT)
        second = await store.put("yaml/a.yml", b"other", TEXT)
        assert first.etag != second.etag
        assert await store.get("yaml/a.yml", 100) == b"other"

    async def test_store_describes_an_object(self, store: ObjectStore) -> None:
        stored = await store.put("yaml/a.yml", b"name: a\n", TEXT)
        found = await store.head("yaml/a.yml")
        assert found is not None
        assert (found.size, found.etag) == (8, stored.etag)
        assert '"' not in found.etag
        assert found.modified is not None
        assert abs(datetime.now(UTC) - found.modified) < timedelta(minutes=5)

    async def test_store_says_none_when_asked_about_an_object_it_does_not_have(self, store: ObjectStore) -> None:
        assert await store.head("yaml/none.yml") is None
        await store.put("logs/a.log", b"x", TEXT)
        assert await store.head("logs") is None

    async def test_store_raises_not_found_when_reading_an_object_it_does_not_have(self, store: ObjectStore) -> None:
        with pytest.raises(NotFound, match=r"logs/none\.log"):
            await store.get("logs/none.log", 100)
        with pytest.raises(NotFound, match=r"logs/none\.log"):
            await read_all(store.stream("logs/none.log"))

    async def test_store_raises_too_large_when_an_object_exceeds_the_limit(self, store: ObjectStore) -> None:
        await store.put("logs/a.log", b"123456", TEXT)
        assert await store.get("logs/a.log", 6) == b"123456"
        with pytest.raises(TooLarge, match="5 bytes"):
            await store.get("logs/a.log", 5)

    async def test_store_streams_part_of_an_object(self, store: ObjectStore) -> None:
        await store.put("logs/a.log", b"0123456789", TEXT)
        assert await read_all(store.stream("logs/a.log", 3)) == b"3456789"
        assert await read_all(store.stream("logs/a.log", 3, 5)) == b"34"
        assert await read_all(store.stream("logs/a.log", 0, 1)) == b"0"
        assert await read_all(store.stream("logs/a.log", 8, 100)) == b"89"
        assert await read_all(store.stream("logs/a.log", 4, 4)) == b""
        assert await read_all(store.stream("logs/a.log", 10)) == b""

    async def test_store_keeps_a_large_file_and_streams_it_in_pieces(self, store: ObjectStore, tmp_path: Path) -> None:
        path = tmp_path / "archive.tar.gz"
        digest = write_large_file(path)
        stored = await store.put_file("archive/a.tar.gz", path, "application/gzip")
        assert stored.size == LARGE_BYTES
        assert await store.head("archive/a.tar.gz") == stored
        hasher, largest = hashlib.sha256(), 0
        async for piece in store.stream("archive/a.tar.gz"):
            hasher.update(piece)
            largest = max(largest, len(piece))
        assert hasher.hexdigest() == digest
        assert largest <= 1024 * 1024
        assert path.stat().st_size == LARGE_BYTES

    async def test_store_keeps_a_small_file(self, store: ObjectStore, tmp_path: Path) -> None:
        path = tmp_path / "small"
        path.write_bytes(b"small")
        await store.put_file("archive/small.tar.gz", path, "application/gzip")
        assert await store.get("archive/small.tar.gz", 10) == b"small"

    async def test_store_keeps_a_stream_of_pieces_of_any_size(self, store: ObjectStore) -> None:
        content = os.urandom(LARGE_BYTES)
        stored = await store.put_stream("archive/a.tar.gz", in_pieces(content, 300_001), "application/gzip")
        assert stored.size == LARGE_BYTES
        assert await store.head("archive/a.tar.gz") == stored
        assert await read_all(store.stream("archive/a.tar.gz")) == content

    @pytest.mark.parametrize("size", [0, 5, 1024 * 1024, 8 * 1024 * 1024])
    async def test_store_keeps_a_stream_of_any_length(self, store: ObjectStore, size: int) -> None:
        content = os.urandom(size)
        assert (await store.put_stream("archive/a.tar.gz", in_pieces(content, 256 * 1024), TEXT)).size == size
        assert await read_all(store.stream("archive/a.tar.gz")) == content

    @pytest.mark.parametrize("size", [3, LARGE_BYTES])
    async def test_store_keeps_what_was_there_when_a_stream_breaks_off(self, store: ObjectStore, size: int) -> None:
        await store.put("archive/a.tar.gz", b"before", TEXT)

        async def broken() -> AsyncIterator[bytes]:
            yield bytes(size)
            raise NotFound("one of its sources is gone")

        with pytest.raises(NotFound, match="one of its sources"):
            await store.put_stream("archive/a.tar.gz", broken(), TEXT)
        assert await store.get("archive/a.tar.gz", 100) == b"before"

    async def test_store_forgets_a_deleted_object(self, store: ObjectStore) -> None:
        await store.put("logs/a.log", b"x", TEXT)
        await store.delete("logs/a.log")
        assert await store.head("logs/a.log") is None
        await store.delete("logs/a.log")
        await store.delete("logs/never/was.log")

    @pytest.mark.parametrize("key", BAD_KEYS)
    async def test_store_refuses_a_key_that_could_leave_it(self, store: ObjectStore, key: str, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.write_bytes(b"x")
        for refused in (
            store.put(key, b"x", TEXT),
            store.put_file(key, path, TEXT),
            store.put_stream(key, in_pieces(b"x", 1), TEXT),
            store.get(key, 1),
            store.head(key),
            store.delete(key),
            store.address(key, TEXT),
            read_all(store.stream(key)),
        ):
            with pytest.raises(InvalidInput):
                await refused

    async def test_store_accepts_every_character_of_a_name(self, store: ObjectStore) -> None:
        key = "lockfile/0123abcd-1700000000-1-a-+_@$&?^~.=Z.yml"
        await store.put(key, b"{}", "application/json")
        assert await store.get(key, 10) == b"{}"

    async def test_store_shows_one_whole_object_when_several_put_it_at_once(self, store: ObjectStore) -> None:
        contents = [bytes([number]) * 300_000 for number in range(8)]
        await asyncio.gather(*(store.put("yaml/a.yml", content, TEXT) for content in contents))
        assert await store.get("yaml/a.yml", 1_000_000) in contents

    async def test_store_can_be_checked(self, store: ObjectStore) -> None:
        await store.check()
