"""Archives compressed by zstd, made when somebody asks for them."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest
import zstandard
from sqlalchemy import delete

from conda_store_shared.db.engine import Database
from conda_store_shared.db.models import BuildArtifact
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.storage_keys import keys_of_build
from conda_store_shared.storage.filesystem import FilesystemStore
from conda_store_shared.storage.object_store import ObjectStore, StoredObject
from conda_store_shared.transaction import Transactions
from tests.integration.artifacts.download_service import BUILD_KEY, DownloadService

ADDRESS = "/conda-store/api/v1/build/1/archive/?compression=zstd"
LOCATION = "/conda-store/storage/archive/0123abcd-1700000000-1-what%3F.tar.zst"
KEY = f"archive/{BUILD_KEY}.tar.zst"
SOURCE = f"archive/{BUILD_KEY}.tar.gz"
# Several members, as of several packages, one of them of no bytes, and more than a piece of a stream.
PARTS = (b"one" * 300_000, b"", bytes(range(256)) * 4000, b"end")


class CountingStore(FilesystemStore):
    """Counts what is put as a stream; ``then`` happens after each."""

    streams = 0
    then: Callable[[], Awaitable[None]] | None = None

    async def put_stream(self, key: str, pieces: AsyncIterator[bytes], content_type: str) -> StoredObject:
        self.streams += 1
        stored = await super().put_stream(key, pieces, content_type)
        if self.then is not None:
            await self.then()
        return stored


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[CountingStore]:
    async with CountingStore(tmp_path / "storage") as store:
        yield store


@pytest.fixture
async def service(empty_database: Database, store: CountingStore) -> DownloadService:
    service = DownloadService(database=empty_database, store=store)
    await service.add_build()
    return service


@pytest.fixture
async def client(service: DownloadService) -> AsyncIterator[httpx.AsyncClient]:
    async with service.listening(), service.client() as client:
        yield client


async def put_archive(service: DownloadService, content: bytes = b"".join(map(gzip.compress, PARTS))) -> None:
    await service.store.put(SOURCE, content, "application/gzip")
    await service.add_artifact("CONDA_PACK", SOURCE)


async def unpacked(store: ObjectStore) -> bytes:
    content = await store.get(KEY, 10_000_000)
    return zstandard.ZstdDecompressor().decompressobj().decompress(content)


async def test_archive_is_compressed_by_zstd_for_whoever_asks(
    service: DownloadService, client: httpx.AsyncClient, store: CountingStore
) -> None:
    await put_archive(service)
    answer = await client.get(ADDRESS)
    assert (answer.status_code, answer.headers["location"]) == (307, LOCATION)
    assert await unpacked(store) == b"".join(PARTS)
    served = await client.get(LOCATION)
    assert (served.status_code, served.headers["content-type"]) == (200, "application/zstd")
    assert (await client.get(ADDRESS)).status_code == 307
    assert store.streams == 1
    for usual in ("", "?compression=gzip"):
        answer = await client.get(f"/conda-store/api/v1/build/1/archive/{usual}")
        assert answer.headers["location"].endswith(".tar.gz")


async def test_archive_is_compressed_once_for_many_who_ask_at_once(
    service: DownloadService, client: httpx.AsyncClient, store: CountingStore
) -> None:
    await put_archive(service)
    answers = await asyncio.gather(*(client.get(ADDRESS) for _ in range(8)))
    assert [answer.status_code for answer in answers] == [307] * 8
    assert store.streams == 1


async def test_archive_is_not_compressed_for_a_build_without_one(
    service: DownloadService, client: httpx.AsyncClient, store: CountingStore
) -> None:
    answer = await client.get(ADDRESS)
    assert (answer.status_code, answer.json()["message"]) == (404, "Build 1 has no archive")
    assert (await client.get("/conda-store/api/v1/build/1/archive/?compression=lzma")).status_code == 422
    assert store.streams == 0


async def test_archive_is_not_compressed_for_those_who_may_not_read_the_build(
    service: DownloadService, store: CountingStore
) -> None:
    await put_archive(service)
    async with service.client(token="") as nobody:
        assert (await nobody.get(ADDRESS)).status_code == 403
    assert store.streams == 0


@pytest.mark.parametrize(
    "damage", [b"no gzip at all", gzip.compress(b"cut short" * 1000)[:-20]], ids=["foreign", "cut"]
)
async def test_nothing_is_stored_of_an_archive_that_is_damaged(
    service: DownloadService, client: httpx.AsyncClient, damage: bytes
) -> None:
    await put_archive(service, damage)
    answer = await client.get(ADDRESS)
    assert (answer.status_code, "is damaged" in answer.json()["message"]) == (503, True)
    assert await service.store.head(KEY) is None


def test_compressed_archive_is_removed_with_the_build() -> None:
    assert KEY in keys_of_build(BUILD_KEY)
    assert KEY not in keys_of_build(BUILD_KEY, [ArtifactType.CONDA_PACK])


async def test_nothing_is_left_of_an_archive_whose_build_is_deleted_while_it_is_compressed(
    service: DownloadService, client: httpx.AsyncClient, store: CountingStore
) -> None:
    async def delete_build() -> None:
        async with Transactions(service.database, "test").begin() as transaction:
            await transaction.session.execute(delete(BuildArtifact))

    await put_archive(service)
    store.then = delete_build
    assert (await client.get(ADDRESS)).status_code == 404
    assert await store.head(KEY) is None
