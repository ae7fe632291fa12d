"""Blobs go when nobody needs them, and never from under somebody who does; on both databases."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from conda_store_artifacts.domain.fragment import Fragment
from conda_store_artifacts.repositories.blobs import release_blobs, use_blobs
from conda_store_artifacts.use_cases.collect_garbage import collect_garbage
from conda_store_artifacts.use_cases.provide_fragments import provide_fragments
from conda_store_shared.child.report import SilentReport
from conda_store_shared.db.engine import Database
from conda_store_shared.db.moments import now
from conda_store_shared.storage.filesystem import FilesystemStore
from tests.unit.artifacts.fragment_world import World, a_request, a_world, locked

GRACE = timedelta(hours=24)
SILENT = SilentReport()


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    work = tmp_path / "work"
    work.mkdir()
    async with Database(database_url, pool_size=8) as database, FilesystemStore(tmp_path / "storage") as store:
        world = a_world(database, store, work)
        await world.add_builds(1, 2, 3)
        yield world


async def collect(world: World) -> int:
    return await collect_garbage(now() - GRACE, transactions=world.tools.transactions, store=world.store)


async def use(world: World, build_id: int, fragments: Sequence[Fragment]) -> None:
    async with world.tools.transactions.begin() as transaction:
        digests = [fragment.blob.digest for fragment in fragments]
        await use_blobs(transaction.session, build_id, "CONDA_PACK", digests)


async def release(world: World, build_id: int) -> None:
    async with world.tools.transactions.begin() as transaction:
        await release_blobs(transaction.session, build_id, ["CONDA_PACK"])


async def test_blobs_go_when_nobody_has_used_them_for_long(world: World) -> None:
    fragments = await provide_fragments(a_request(locked("zlib"), locked("abc")), SILENT, tools=world.tools)
    digests = [fragment.blob.digest for fragment in fragments]
    assert await collect(world) == 0
    await world.age_blobs(GRACE / 2)
    assert await collect(world) == 0
    assert await world.stored(digests) == [True, True]
    await world.age_blobs(GRACE * 2)
    assert await collect(world) == 2
    assert await world.stored(digests) == [False, False]
    assert await world.blobs() == {}
    assert await provide_fragments(a_request(locked("zlib"), locked("abc")), SILENT, tools=world.tools) == fragments
    assert await world.stored(digests) == [True, True]


async def test_blobs_stay_as_long_as_an_artifact_of_any_build_needs_them(world: World) -> None:
    shared, own = await provide_fragments(a_request(locked("shared"), locked("own")), SILENT, tools=world.tools)
    await use(world, 1, [shared, own])
    await use(world, 2, [shared])
    await world.age_blobs(GRACE * 2)
    assert await collect(world) == 0
    await release(world, 1)
    assert await collect(world) == 1
    assert await world.stored([shared.blob.digest, own.blob.digest]) == [True, False]
    await release(world, 2)
    assert await collect(world) == 1
    assert await world.blobs() == {}


async def test_blob_whose_object_is_gone_already_is_collected(world: World) -> None:
    [fragment] = await provide_fragments(a_request(locked("zlib")), SILENT, tools=world.tools)
    await world.age_blobs(GRACE * 2)
    # Who died after the object was removed, and before the row was.
    await world.store.delete(fragment.blob.key)
    assert await collect(world) == 1
    assert await world.blobs() == {}


async def test_more_blobs_than_are_looked_at_at_once_are_all_collected(world: World) -> None:
    names = [f"package-{number}" for number in range(230)]
    fragments = await provide_fragments(a_request(*map(locked, names)), SILENT, tools=world.tools)
    await use(world, 1, fragments[::10])
    await world.age_blobs(GRACE * 2)
    assert await collect(world) == 207
    assert set(await world.blobs()) == {fragment.blob.digest for fragment in fragments[::10]}


@pytest.mark.parametrize("seed", range(5))
async def test_what_is_used_or_about_to_be_used_is_never_collected(world: World, seed: int) -> None:
    """Makers, users and two collectors at once, again and again, in whatever order they come."""
    chance = random.Random(seed)
    names = [f"package-{number}" for number in range(12)]
    kept: dict[int, set[str]] = {1: set(), 2: set(), 3: set()}

    async def build(build_id: int) -> None:
        await asyncio.sleep(chance.random() * 0.02)
        wanted = chance.sample(names, chance.randint(1, len(names)))
        fragments = await provide_fragments(a_request(*map(locked, wanted)), SILENT, tools=world.tools)
        await use(world, build_id, fragments)
        digests = [fragment.blob.digest for fragment in fragments]
        assert all(await world.stored(digests))
        kept[build_id] |= set(digests)

    for _ in range(6):
        await world.age_blobs(GRACE * 2)
        for build_id in kept:
            if chance.random() < 0.5:
                await release(world, build_id)
                kept[build_id].clear()
        async with asyncio.timeout(60):
            await asyncio.gather(*(build(build_id) for build_id in kept), collect(world), collect(world))
        for digests in kept.values():
            assert all(await world.stored(sorted(digests)))
            assert digests <= set(await world.blobs())
