"""Fragments are made once, whoever wants them; on both databases."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from conda_store_artifacts.domain.fragment import Blob, Codec, FragmentFormat, FragmentKind
from conda_store_artifacts.use_cases.provide_fragments import forget_blobs, provide_fragments
from conda_store_artifacts.use_cases.store_blob import LocalBlob, store_blob
from conda_store_shared.child.report import SilentReport
from conda_store_shared.db.engine import Database
from conda_store_shared.db.moments import now
from conda_store_shared.domain.canonical import sha256_hex
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure
from conda_store_shared.storage.filesystem import FilesystemStore
from tests.unit.artifacts.fragment_world import ARCHIVE, World, a_request, a_world, locked

SILENT = SilentReport()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with Database(database_url, pool_size=8) as database:
        yield database


@pytest.fixture
async def world(database: Database, tmp_path: Path) -> AsyncIterator[World]:
    work = tmp_path / "work"
    work.mkdir()
    async with FilesystemStore(tmp_path / "storage") as store:
        yield a_world(database, store, work)


async def test_fragments_come_in_the_order_of_the_lockfile_and_are_stored(world: World) -> None:
    fragments = await provide_fragments(a_request(locked("zlib"), locked("abc")), SILENT, tools=world.tools)
    assert [fragment.package.name for fragment in fragments] == ["zlib", "abc"]
    assert [await world.store.get(fragment.blob.key, 100) for fragment in fragments] == [
        b"archive of zlib 1.0",
        b"archive of abc 1.0",
    ]
    assert all(fragment.blob.key == f"fragment/{fragment.blob.digest}" for fragment in fragments)
    assert list(world.tools.work_directory.iterdir()) == []


async def test_fragments_are_made_only_of_what_is_missing(world: World) -> None:
    first = await provide_fragments(a_request(locked("zlib"), locked("abc")), SILENT, tools=world.tools)
    second = await provide_fragments(a_request(locked("abc"), locked("new"), locked("zlib")), SILENT, tools=world.tools)
    assert world.maker.made() == ["zlib", "abc", "new"]
    assert [second[2], second[0]] == list(first)
    await provide_fragments(a_request(locked("new"), locked("abc")), SILENT, tools=world.tools)
    assert len(world.maker.orders) == 2


async def test_fragments_are_made_once_for_artifacts_that_want_them_at_once(world: World) -> None:
    world.maker.may_go_on.clear()
    first = asyncio.create_task(
        provide_fragments(a_request(locked("zlib"), locked("abc")), SILENT, tools=world.tools)
    )
    await wait_until_made(world, "zlib", "abc")
    second = asyncio.create_task(
        provide_fragments(a_request(locked("abc"), locked("new"), locked("zlib")), SILENT, tools=world.tools)
    )
    await wait_until_made(world, "zlib", "abc", "new")
    world.maker.may_go_on.set()
    zlib, abc = await first
    assert [(await second)[index] for index in (2, 0)] == [zlib, abc]
    assert world.maker.made() == ["zlib", "abc", "new"]


async def test_fragments_are_made_by_another_when_their_maker_is_canceled(world: World) -> None:
    world.maker.may_go_on.clear()
    first = asyncio.create_task(provide_fragments(a_request(locked("zlib")), SILENT, tools=world.tools))
    await wait_until_made(world, "zlib")
    second = asyncio.create_task(provide_fragments(a_request(locked("zlib")), SILENT, tools=world.tools))
    await asyncio.sleep(0)
    first.cancel()
    world.maker.may_go_on.set()
    [fragment] = await second
    assert fragment.package.name == "zlib"
    assert world.maker.made() == ["zlib", "zlib"]


async def wait_until_made(world: World, *names: str) -> None:
    async with asyncio.timeout(10):
        while world.maker.made() != list(names):  # noqa: ASYNC110  makers tell nobody
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "other",
    [
        replace(ARCHIVE, level=6),
        replace(ARCHIVE, codec=Codec.ZSTD),
        FragmentFormat(kind=FragmentKind.LAYER),
        FragmentFormat(kind=FragmentKind.LAYER, prefix="/srv/environment"),
    ],
)
async def test_fragments_of_another_format_are_others(world: World, other: FragmentFormat) -> None:
    [first] = await provide_fragments(a_request(locked("zlib")), SILENT, tools=world.tools)
    [second] = await provide_fragments(a_request(locked("zlib"), wanted=other), SILENT, tools=world.tools)
    assert first.id != second.id
    assert world.maker.made() == ["zlib", "zlib"]
    assert await world.store.head(second.blob.key) is not None


async def test_noarch_fragments_are_shared_by_environments_of_one_python(world: World) -> None:
    for python in ("3.11.7", "3.11.9", "3.12.1"):
        request = a_request(locked("python", python), locked("flask", subdir="noarch"), locked("zlib"))
        await provide_fragments(request, SILENT, tools=world.tools)
    assert world.maker.made().count("flask") == 2
    assert world.maker.made().count("zlib") == 1


async def test_fragment_is_made_once_of_a_package_that_is_locked_for_several_categories(world: World) -> None:
    fragments = await provide_fragments(a_request(locked("zlib"), locked("zlib")), SILENT, tools=world.tools)
    assert len(fragments) == 1
    assert world.maker.made() == ["zlib"]


async def test_package_without_a_digest_is_left_out(world: World) -> None:
    nameless = {**locked("nameless"), "hash": {}}
    fragments = await provide_fragments(a_request(locked("zlib"), nameless), SILENT, tools=world.tools)
    assert [fragment.package.name for fragment in fragments] == ["zlib"]


async def test_two_workers_that_want_the_same_fragments_at_once_do_no_harm(world: World) -> None:
    names = [f"package-{number}" for number in range(20)]
    forwards = a_request(*map(locked, names))
    backwards = a_request(*map(locked, reversed(names)))
    async with asyncio.timeout(60):
        answers = await asyncio.gather(
            *(
                provide_fragments(request, SILENT, tools=world.tools)
                for request in (forwards, backwards, forwards, backwards)
            )
        )
    assert answers[0] == answers[2] == answers[1][::-1]
    assert all(await world.stored([fragment.blob.digest for fragment in answers[0]]))
    assert len(await world.blobs()) == 20


async def test_fragments_whose_objects_are_gone_are_made_again_once_that_is_told(world: World) -> None:
    [fragment] = await provide_fragments(a_request(locked("zlib")), SILENT, tools=world.tools)
    await world.store.delete(fragment.blob.key)
    await forget_blobs([fragment.blob.digest], transactions=world.tools.transactions)
    assert await provide_fragments(a_request(locked("zlib")), SILENT, tools=world.tools) == (fragment,)
    assert await world.stored([fragment.blob.digest]) == [True]


async def test_fragment_whose_object_is_cut_short_is_stored_again(world: World) -> None:
    [fragment] = await provide_fragments(a_request(locked("zlib")), SILENT, tools=world.tools)
    await world.store.put(fragment.blob.key, b"archive", "text/plain")
    await forget_blobs([fragment.blob.digest], transactions=world.tools.transactions)
    await provide_fragments(a_request(locked("zlib")), SILENT, tools=world.tools)
    assert await world.store.get(fragment.blob.key, 100) == b"archive of zlib 1.0"


async def test_failed_making_leaves_no_fragment_and_nothing_on_disk(world: World) -> None:
    world.maker.failure = StageFailure(FailureCode.CHANNEL_UNREACHABLE, "no way", transient=True)
    with pytest.raises(StageFailure, match="no way"):
        await provide_fragments(a_request(locked("zlib")), SILENT, tools=world.tools)
    assert await world.blobs() == {}
    assert list(world.tools.work_directory.iterdir()) == []
    world.maker.failure = None
    assert len(await provide_fragments(a_request(locked("zlib")), SILENT, tools=world.tools)) == 1


async def test_fragments_of_a_maker_that_died_between_two_lines_are_made_by_the_next(world: World) -> None:
    [fragment] = await provide_fragments(a_request(locked("zlib")), SILENT, tools=world.tools)
    # The row of the blob was written, and perhaps the object, but not the row of the fragment.
    for with_object in (True, False):
        await forget_blobs([fragment.blob.digest], transactions=world.tools.transactions)
        if not with_object:
            await world.store.delete(fragment.blob.key)
        assert await provide_fragments(a_request(locked("zlib")), SILENT, tools=world.tools) == (fragment,)
        assert await world.stored([fragment.blob.digest]) == [True]


async def test_use_of_fragments_is_noted_when_the_last_one_was_long_ago(world: World) -> None:
    await provide_fragments(a_request(locked("zlib")), SILENT, tools=world.tools)
    await world.age_blobs(timedelta(minutes=5))
    before = await world.blobs()
    await provide_fragments(a_request(locked("zlib")), SILENT, tools=world.tools)
    assert await world.blobs() == before
    await world.age_blobs(timedelta(days=30))
    await provide_fragments(a_request(locked("zlib")), SILENT, tools=world.tools)
    assert min((await world.blobs()).values()) > now() - timedelta(minutes=1)
    assert world.maker.made() == ["zlib"]


async def test_blob_is_stored_once_and_noted(world: World, tmp_path: Path) -> None:
    content = b'{"config": {}}'
    path = tmp_path / "config.json"
    path.write_bytes(content)
    digest = sha256_hex(content)
    blob = Blob(
        digest=digest, key=f"docker/blobs/{digest}", size=len(content), raw_digest=digest, raw_size=len(content)
    )
    for _ in range(2):
        await store_blob(
            LocalBlob(blob=blob, path=path), transactions=world.tools.transactions, store=world.store
        )
    assert await world.store.get(blob.key, 100) == content
    assert list(await world.blobs()) == [digest]
