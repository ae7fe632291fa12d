"""The object store on a real S3 server."""

import asyncio
import hashlib
import time
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from conda_store_shared.errors import ConfigurationError, StorageUnavailable
from conda_store_shared.storage.s3 import PART_BYTES, S3Options, S3Store
from conda_store_shared.testing.servers import S3, Bucket
from conda_store_shared.testing.suites.object_store_suite import TEXT, ObjectStoreSuite, read_all, write_large_file


def options_for(bucket: Bucket) -> S3Options:
    account = bucket.account
    return S3Options(
        bucket=bucket.name,
        endpoint=account.endpoint,
        region=account.region,
        access_key=account.access_key,
        secret_key=account.secret_key,
    )


@pytest.fixture
def options(s3_bucket: Bucket) -> S3Options:
    return options_for(s3_bucket)


@pytest.fixture
async def store(options: S3Options) -> AsyncIterator[S3Store]:
    async with S3Store(options) as store:
        yield store


@pytest.fixture
def own_server() -> Iterator[S3]:
    """A server that a test may stop."""
    with S3() as server:
        yield server


class TestS3Store(ObjectStoreSuite):
    """The suite, and what is special about S3."""

    async def test_store_signs_an_address_that_answers_with_the_wanted_type(self, store: S3Store) -> None:
        await store.put("yaml/a.yml", b"name: a\n", "application/octet-stream")
        address = await store.address("yaml/a.yml", "text/yaml")
        assert address is not None
        assert httpx.URL(address).params["X-Amz-Expires"] == "604800"
        async with httpx.AsyncClient() as client:
            answer = await client.get(address)
            tampered = await client.get(address.replace("yaml/a.yml", "yaml/b.yml"))
        assert (answer.status_code, answer.content) == (200, b"name: a\n")
        assert answer.headers["content-type"] == "text/yaml"
        assert tampered.status_code == 403

    async def test_store_signs_an_address_for_an_object_that_is_not_there_yet(self, store: S3Store) -> None:
        address = await store.address("logs/later.log", TEXT)
        await store.put("logs/later.log", b"now", TEXT)
        async with httpx.AsyncClient() as client:
            assert (await client.get(str(address))).content == b"now"

    async def test_store_signs_for_the_external_endpoint_when_there_is_one(self, options: S3Options) -> None:
        external = replace(options, external_endpoint="https://objects.example.org")
        async with S3Store(external) as store:
            await store.put("logs/a.log", b"x", TEXT)
            address = await store.address("logs/a.log", TEXT)
        assert str(address).startswith(f"https://objects.example.org/{options.bucket}/logs/a.log?")

    async def test_store_refuses_to_open_when_the_bucket_does_not_exist(self, options: S3Options) -> None:
        with pytest.raises(ConfigurationError, match=r"^S3 bucket=nowhere does not exist$"):
            async with S3Store(replace(options, bucket="nowhere")):
                pass

    async def test_store_is_unavailable_when_the_keys_are_wrong(self, options: S3Options) -> None:
        async with S3Store(replace(options, secret_key="wrongsecret00000000000000000000000000001")) as store:
            with pytest.raises(StorageUnavailable, match="refuses PutObject"):
                await store.put("logs/a.log", b"x", TEXT)

    async def test_options_do_not_show_the_secret_key(self, options: S3Options) -> None:
        assert str(options.secret_key) not in repr(options)

    async def test_store_holds_a_bounded_part_of_a_large_file_in_memory(self, store: S3Store, tmp_path: Path) -> None:
        path = tmp_path / "archive"
        with path.open("wb") as file:
            file.truncate(12 * PART_BYTES)
        tracemalloc.start()
        await store.put_file("archive/a.tar.gz", path, "application/gzip")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 7 * PART_BYTES

    async def test_store_leaves_no_object_when_an_upload_is_given_up(self, store: S3Store, tmp_path: Path) -> None:
        path = tmp_path / "archive"
        with path.open("wb") as file:
            file.truncate(20 * PART_BYTES)
        upload = asyncio.create_task(store.put_file("archive/a.tar.gz", path, "application/gzip"))
        await asyncio.sleep(0.1)
        upload.cancel()
        with pytest.raises(asyncio.CancelledError):
            await upload
        assert await store.head("archive/a.tar.gz") is None

    async def test_store_keeps_the_bytes_of_a_file_uploaded_in_parts(self, store: S3Store, tmp_path: Path) -> None:
        path = tmp_path / "archive"
        digest = write_large_file(path)
        await store.put_file("archive/a.tar.gz", path, "application/gzip")
        async with httpx.AsyncClient() as client:
            answer = await client.get(str(await store.address("archive/a.tar.gz", "application/gzip")))
        assert hashlib.sha256(answer.content).hexdigest() == digest


async def fails_in_time(store: S3Store, path: Path) -> None:
    """Every operation ends in StorageUnavailable, none takes longer than promised."""
    for operation in (
        lambda: store.put("logs/a.log", b"x", TEXT),
        lambda: store.put_file("archive/a.tar.gz", path, TEXT),
        lambda: store.get("logs/a.log", 10),
        lambda: read_all(store.stream("logs/a.log")),
        lambda: store.head("logs/a.log"),
        lambda: store.delete("logs/a.log"),
        store.check,
    ):
        began = time.monotonic()
        with pytest.raises(StorageUnavailable):
            await operation()
        assert time.monotonic() - began < 10.5


async def test_store_is_unavailable_while_the_server_is_down_and_works_when_it_is_back(
    own_server: S3, tmp_path: Path
) -> None:
    path = tmp_path / "archive"
    write_large_file(path)
    async with S3Store(options_for(own_server.create_bucket())) as store:
        await store.put("logs/a.log", b"before", TEXT)
        own_server.stop()
        await fails_in_time(store, path)
        own_server.start()
        assert await store.get("logs/a.log", 10) == b"before"


async def test_store_is_unavailable_in_bounded_time_when_the_server_hangs(own_server: S3, tmp_path: Path) -> None:
    path = tmp_path / "archive"
    write_large_file(path)
    options = replace(options_for(own_server.create_bucket()), timeout=1.0, part_timeout=2.0)
    async with S3Store(options) as store:
        own_server.pause()
        try:
            began = time.monotonic()
            await fails_in_time(store, path)
            assert time.monotonic() - began < 15
        finally:
            own_server.resume()


async def test_store_opens_when_the_server_cannot_be_reached(own_server: S3) -> None:
    options = options_for(own_server.create_bucket())
    own_server.stop()
    async with S3Store(options) as store:
        with pytest.raises(StorageUnavailable):
            await store.check()
        own_server.start()
        await store.check()
