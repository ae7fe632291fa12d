"""Whatever order deletions, work under way and their messages cross in, and whoever dies: nothing is left behind."""

import asyncio
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_store_api.use_cases.store_logs import store_logs
from conda_store_shared.db.models import Build, Environment, Namespace
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.build import ACTIVE
from conda_store_shared.domain.storage_keys import artifact_key
from conda_store_shared.storage.filesystem import FilesystemStore
from tests.unit.api.deletion_world import World, files_below
from tests.unit.api.ledger_builders import Ledger, copy_of, empty, open_ledger
from tests.unit.api.ledger_courses import with_examples

pytestmark = pytest.mark.slow

Setting = tuple[asyncio.Runner, Ledger]
PLACES = [("a", "x"), ("a", "y"), ("b", "x")]
ACTS = st.tuples(
    st.sampled_from(["submit", "submit", "cancel", "build", "environment", "namespace", "logs", "erase"]),
    st.sampled_from(PLACES),
    st.integers(0, 14),
)


@pytest.fixture(scope="module")
def setting(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    """A loop and a ledger that all examples share."""
    directory = tmp_path_factory.mktemp("deletion")
    with asyncio.Runner() as runner:
        opened = open_ledger(copy_of(sqlite_template, directory), directory / "unused")
        yield runner, runner.run(opened.__aenter__())
        runner.run(opened.__aexit__(None, None, None))


async def act(world: World, kind: str, place: tuple[str, str]) -> None:
    """Do what users and loops do; what cannot be done now is not done."""
    ledger = world.ledger
    if kind == "submit":
        return await world.submit(*place)
    if kind in ("logs", "erase"):
        return await (ledger.erase() if kind == "erase" else stored_logs(ledger))
    rows = await ledger.rows(Build)
    if kind in ("cancel", "build") and rows:
        build = world.chance.choice(rows)
        if kind == "cancel":
            await ledger.cancel(build)
        elif build.status not in ACTIVE:
            await ledger.delete(build)
    elif kind == "environment" and place in await environments(ledger):
        await ledger.delete_environment(*place)
    elif kind == "namespace" and place[0] in await ledger.namespaces():
        await ledger.delete_namespace(place[0])


async def stored_logs(ledger: Ledger) -> None:
    await store_logs(ledger.transactions, ledger.store, ledger.now)


async def environments(ledger: Ledger) -> set[tuple[str, str]]:
    """The names of all environments."""
    names = {row.id: row.name for row in await ledger.rows(Namespace)}
    return {(names[row.namespace_id], row.name) for row in await ledger.rows(Environment)}


async def check_rows(ledger: Ledger) -> None:
    """No row says that something is still to go, and each one that is left is alive."""
    assert await ledger.discards() == []
    assert [row.id for row in await ledger.rows(Environment) if row.deleted_on or row.erased_through] == []
    assert [row.id for row in await ledger.rows(Namespace) if row.deleted_on] == []
    assert [row.id for row in await ledger.rows(Build) if row.erased_on] == []
    assert [row.id for row in await ledger.rows(Build) if row.deleted_on and row.size] == []


async def check_left(world: World, objects: Path) -> None:
    """Only what builds made that are alive, and what a deleted one keeps, is on disk or in the bucket."""
    rows = {row.build_key: row for row in await world.ledger.rows(Build)}
    prefixes = {path for path in world.on_disk() if "/envs/" not in path}
    assert {path.rpartition("/")[2] for path in prefixes} <= {key for key, row in rows.items() if not row.deleted_on}
    links = {path: (world.root / path).readlink() for path in world.on_disk() if "/envs/" in path}
    assert set(links) <= {f"{namespace}/envs/{name}" for namespace, name in await environments(world.ledger)}
    assert [path for path, target in links.items() if not target.is_dir()] == []
    for key in files_below(objects):
        (row,) = [row for build_key, row in rows.items() if build_key in key]
        kept = {artifact_key(kind, row.build_key) for kind in (ArtifactType.LOGS, ArtifactType.LOCKFILE)}
        assert not row.deleted_on or key in kept


@with_examples(15)
@given(acts=st.lists(ACTS, min_size=3, max_size=14), seed=st.integers(0, 2**32))
def test_nothing_is_left_behind_whatever_crosses_a_deletion(
    setting: Setting, acts: list[tuple[str, tuple[str, str], int]], seed: int
) -> None:
    async def example(directory: Path) -> None:
        await empty(setting[1].database)
        async with FilesystemStore(directory / "objects") as store:
            ledger = Ledger(setting[1].database, store)
            world = World(ledger, directory / "state", random.Random(seed))
            await world.submit(*PLACES[0])
            for kind, place, steps in acts:
                # Build keys tell seconds.
                ledger.later(1)
                await act(world, kind, place)
                await world.some(steps)
            await world.settle()
            await check_rows(ledger)
            await check_left(world, directory / "objects")

    with tempfile.TemporaryDirectory() as directory:
        setting[0].run(example(Path(directory)))
