"""One artifact of a completed build: made, stored, told."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from conda_store_artifacts.adapters.fragment_cache import FragmentCache
from conda_store_artifacts.adapters.work_directory import WorkDirectory
from conda_store_artifacts.use_cases.artifact_tools import Tools
from conda_store_artifacts.use_cases.discard_artifacts import discard_artifacts
from conda_store_artifacts.use_cases.provide_fragments import SCRATCH
from conda_store_artifacts.use_cases.store_artifact import store_artifact
from conda_store_shared.contracts.events import ArtifactDiscardRequested
from conda_store_shared.db.engine import Database
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.canonical import sha256_hex
from conda_store_shared.domain.prefix_record import PrefixRecord
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.domain.storage_keys import artifact_key, order_key, prefix_record_key
from conda_store_shared.domain.whole_marker import WHOLE_MARKER, WholeMarker
from conda_store_shared.errors import StageFailure
from conda_store_shared.storage.filesystem import FilesystemStore
from tests.unit.artifacts.artifact_builders import (
    BUILD_KEY,
    PlainPacker,
    RecordingContext,
    StoredBuild,
    an_order,
    some_tools,
)
from tests.unit.artifacts.fragment_world import World, a_lockfile, a_world, locked

ARCHIVE_KEY = artifact_key(ArtifactType.CONDA_PACK, BUILD_KEY)
PACKAGES = (locked("python", "3.11.7"), locked("zlib-mention"), locked("flask", subdir="noarch"))
WHOLE = b"archive of python 3.11.7archive of zlib-mention 1.0archive of flask 1.0|end etc/zlib-mention"

pytestmark = pytest.mark.slow


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[FilesystemStore]:
    async with FilesystemStore(tmp_path / "storage") as store:
        yield store


@pytest.fixture
def packer() -> PlainPacker:
    return PlainPacker()


@pytest.fixture
async def world(database: Database, store: FilesystemStore, tmp_path: Path) -> AsyncIterator[World]:
    async with WorkDirectory(tmp_path / "work", SCRATCH):
        world = a_world(database, store, tmp_path / "work")
        await world.add_builds(7)
        yield world


@pytest.fixture
def tools(world: World, packer: PlainPacker) -> Tools:
    return some_tools(world, packer)


@pytest.fixture
async def build(store: FilesystemStore) -> StoredBuild:
    build = StoredBuild(lockfile=a_lockfile(*PACKAGES))
    await build.put(store)
    return build


async def build_of(store: FilesystemStore, *packages: dict[str, Any], path: Path = Path("/nowhere")) -> StoredBuild:
    record = PrefixRecord(path=str(path), apparent_bytes=1, unique_bytes=1, packages=())
    build = StoredBuild(lockfile=a_lockfile(*packages), record=record)
    await build.put(store)
    return build


async def test_yaml_is_stored_and_told(build: StoredBuild, tools: Tools) -> None:
    context = RecordingContext("artifact.YAML")
    stored = await store_artifact(build.request("YAML"), context, tools=tools)
    content = await tools.store.get(f"yaml/{BUILD_KEY}.yml", 10_000)
    assert yaml.safe_load(content)["dependencies"] == ["python=3.11.7=h1_0"]
    assert (stored.key, stored.size, stored.digest) == (f"yaml/{BUILD_KEY}.yml", len(content), sha256_hex(content))
    assert (stored.stage, stored.attempt_id, stored.artifact_type) == ("artifact.YAML", "attempt-1", "YAML")
    assert context.lines[-1].startswith(
        "action_generate_conda_export: Action action_generate_conda_export completed in"
    )


async def test_archive_is_put_together_and_told(build: StoredBuild, tools: Tools, packer: PlainPacker) -> None:
    context = RecordingContext()
    stored = await store_artifact(build.request("CONDA_PACK"), context, tools=tools)
    assert await tools.store.get(ARCHIVE_KEY, 10_000) == WHOLE
    assert (stored.key, stored.size, stored.digest) == (ARCHIVE_KEY, len(WHOLE), sha256_hex(WHOLE))
    assert all(line.startswith("action_generate_conda_pack: ") for line in context.lines[1:])
    assert list(tools.work_directory.iterdir()) == []
    assert packer.packed == []


async def test_installer_is_a_script_with_the_archive_behind_it_and_a_seal(build: StoredBuild, tools: Tools) -> None:
    context = RecordingContext("artifact.CONSTRUCTOR_INSTALLER")
    stored = await store_artifact(build.request("CONSTRUCTOR_INSTALLER"), context, tools=tools)
    content = await tools.store.get(f"installer/{BUILD_KEY}.sh", 100_000)
    assert (stored.size, stored.digest) == (len(content), sha256_hex(content))
    script, archive, seal = content[: -len(WHOLE) - 65], content[-len(WHOLE) - 65 : -65], content[-65:]
    assert script.startswith(b"#!/bin/sh\n")
    assert f"head_size={len(script)} ".encode() in script
    assert archive == WHOLE
    assert seal == f"{sha256_hex(script + archive)}\n".encode()
    assert context.lines[-1].startswith(
        "action_generate_constructor_installer: Action action_generate_constructor_installer completed in"
    )


async def test_installer_needs_no_python_when_there_is_nothing_to_mend(tools: Tools, store: FilesystemStore) -> None:
    build = await build_of(store, locked("zlib"))
    await store_artifact(build.request("CONSTRUCTOR_INSTALLER"), RecordingContext(), tools=tools)
    assert b"\nmends=no\n" in await tools.store.get(f"installer/{BUILD_KEY}.sh", 100_000)
    await tools.store.delete(f"installer/{BUILD_KEY}.sh")
    for packages in ((locked("a-mention"),), (locked("a-script"),)):
        build = await build_of(store, *packages)
        with pytest.raises(StageFailure, match="add python to its dependencies") as failure:
            await store_artifact(build.request("CONSTRUCTOR_INSTALLER"), RecordingContext(), tools=tools)
        assert (failure.value.cause, failure.value.transient) == (FailureCode.PACK_FAILED, False)


async def test_archive_keeps_its_fragments_as_long_as_there_is_the_build(
    build: StoredBuild, tools: Tools, world: World
) -> None:
    await store_artifact(build.request("CONDA_PACK"), RecordingContext(), tools=tools)
    assert await world.used_by(7) == set(await world.blobs())
    request = ArtifactDiscardRequested(build_id=7, build_key=BUILD_KEY, keys=(ARCHIVE_KEY,), discard_id="d")
    await discard_artifacts(request, store=tools.store, transactions=tools.transactions)
    assert await world.used_by(7) == set()
    assert len(await world.blobs()) == 3


@pytest.mark.parametrize(
    ("packages", "told"),
    [
        ((locked("zlib"), locked("a-script")), "a-script has a link script"),
        ((locked("a-clobber"), locked("b-clobber")), "b-clobber brings files that another package brings, too"),
        ((locked("zlib"), {**locked("bare"), "hash": {}}), "bare has no digest in the lockfile"),
        (
            (locked("python"), {**locked("odd"), "manager": "pip", "url": "https://pypi.example/odd-1.0.tar.gz"}),
            "odd is no wheel, and has to be built",
        ),
    ],
)
async def test_archive_is_packed_from_a_prefix_when_fragments_cannot_tell_all(
    tools: Tools, store: FilesystemStore, packer: PlainPacker, packages: tuple[dict[str, Any], ...], told: str
) -> None:
    context = RecordingContext()
    build = await build_of(store, *packages)
    await store_artifact(build.request("CONDA_PACK"), context, tools=tools)
    assert await tools.store.get(ARCHIVE_KEY, 10_000) == b"archive of prefix"
    assert any(f"packing an installed prefix, since {told}" in line for line in context.lines)
    assert any("there is no whole prefix at /nowhere on this machine" in line for line in context.lines)
    assert list(tools.work_directory.iterdir()) == []


@pytest.mark.parametrize("is_whole", [True, False])
async def test_archive_is_packed_from_the_prefix_of_the_build_when_that_is_whole(
    tools: Tools, store: FilesystemStore, packer: PlainPacker, tmp_path: Path, is_whole: bool
) -> None:
    prefix = tmp_path / "mounted"
    build = await build_of(store, locked("a-script"), path=prefix)
    (prefix / "conda-meta").mkdir(parents=True)
    marker = WholeMarker(
        build_key=BUILD_KEY if is_whole else "another",
        lockfile_digest=build.lockfile.digest,
        apparent_bytes=1,
        unique_bytes=1,
    )
    (prefix / WHOLE_MARKER).write_bytes(marker.to_bytes())
    await store_artifact(build.request("CONDA_PACK"), RecordingContext(), tools=tools)
    assert (packer.packed == [prefix]) is is_whole


@pytest.mark.parametrize("damage", [None, b"", b"archive of flask 9.9"])
async def test_archive_is_put_together_though_a_fragment_is_gone_or_damaged(
    build: StoredBuild, tools: Tools, world: World, damage: bytes | None
) -> None:
    await store_artifact(build.request("CONDA_PACK"), RecordingContext(), tools=tools)
    await tools.store.delete(ARCHIVE_KEY)
    key = f"fragment/{sha256_hex(b'archive of flask 1.0')}"
    await tools.store.delete(key)
    if damage is not None:
        await tools.store.put(key, damage, "text/plain")
    context = RecordingContext()
    await store_artifact(build.request("CONDA_PACK"), context, tools=tools)
    assert await tools.store.get(ARCHIVE_KEY, 10_000) == WHOLE
    assert world.maker.made() == ["python", "zlib-mention", "flask", "flask"]
    assert any(f"object {key} is gone or damaged, and made again" in line for line in context.lines)


@pytest.mark.parametrize("damage", [b"", b"archive of flask 9.9"])
@pytest.mark.parametrize("is_object_damaged", [False, True])
async def test_archive_is_put_together_though_the_copy_of_a_fragment_is_damaged(
    build: StoredBuild, tools: Tools, world: World, tmp_path: Path, damage: bytes, is_object_damaged: bool
) -> None:
    far, store = tools.store, FragmentCache(tools.store, tmp_path / "copies")
    cached = replace(tools, fragments=replace(tools.fragments, store=store, copies=store))
    await store_artifact(build.request("CONDA_PACK"), RecordingContext(), tools=cached)
    await store.delete(ARCHIVE_KEY)
    digest = sha256_hex(b"archive of flask 1.0")
    before = await far.head(f"fragment/{digest}")
    copy = tmp_path / "copies" / digest
    copy.write_bytes(damage)
    if is_object_damaged:
        await far.put(f"fragment/{digest}", damage, "text/plain")
    await store_artifact(build.request("CONDA_PACK"), RecordingContext(), tools=cached)
    assert await store.get(ARCHIVE_KEY, 10_000) == WHOLE
    assert copy.read_bytes() == b"archive of flask 1.0"
    # What others read as well is not touched when it is whole.
    assert (await far.head(f"fragment/{digest}") != before) is is_object_damaged
    assert world.maker.made() == ["python", "zlib-mention", "flask", *["flask"] * is_object_damaged]


@pytest.mark.parametrize("artifact_type", ["YAML", "CONDA_PACK"])
async def test_artifact_is_told_again_and_not_made_again_when_it_is_stored(
    build: StoredBuild, tools: Tools, artifact_type: str
) -> None:
    first = await store_artifact(build.request(artifact_type), RecordingContext(), tools=tools)
    # What it was made from may be gone by then.
    for key in (order_key(BUILD_KEY), prefix_record_key(BUILD_KEY)):
        await tools.store.delete(key)
    assert await store_artifact(build.request(artifact_type), RecordingContext(), tools=tools) == first


@pytest.mark.parametrize("artifact_type", ["DIRECTORY", "LOCKFILE", "NOVELTY", ""])
async def test_artifact_of_a_type_nobody_can_make_fails_for_good(
    build: StoredBuild, tools: Tools, artifact_type: str
) -> None:
    with pytest.raises(StageFailure, match="cannot be made; known are YAML, CONDA_PACK") as failure:
        await store_artifact(build.request(artifact_type), RecordingContext(), tools=tools)
    assert not failure.value.transient


@pytest.mark.parametrize(
    "key", [order_key(BUILD_KEY), prefix_record_key(BUILD_KEY), artifact_key(ArtifactType.LOCKFILE, BUILD_KEY)]
)
async def test_artifact_waits_for_an_input_that_is_gone(build: StoredBuild, tools: Tools, key: str) -> None:
    await tools.store.delete(key)
    with pytest.raises(StageFailure, match=f"{key} is not in the object store") as failure:
        await store_artifact(build.request("YAML"), RecordingContext(), tools=tools)
    assert (failure.value.cause, failure.value.transient) == (FailureCode.INPUT_MISSING, True)


async def test_artifact_is_not_made_of_another_order_than_requested(build: StoredBuild, tools: Tools) -> None:
    await StoredBuild(order=an_order(artifact_deadline=1.0)).put(tools.store)
    with pytest.raises(StageFailure, match="is not the one that was asked for") as failure:
        await store_artifact(build.request("YAML"), RecordingContext(), tools=tools)
    assert failure.value.cause == FailureCode.INPUT_MISSING


async def test_failed_packing_leaves_nothing_behind(store: FilesystemStore, world: World) -> None:
    build = await build_of(store, locked("a-script"))
    tools = some_tools(world, PlainPacker(StageFailure(FailureCode.PREFIX_MISSING, "there is no prefix")))
    with pytest.raises(StageFailure, match="there is no prefix"):
        await store_artifact(build.request("CONDA_PACK"), RecordingContext(), tools=tools)
    assert await store.head(ARCHIVE_KEY) is None
    assert list(tools.work_directory.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "cause", "transient"),
    [
        (OSError(28, "No space left on device"), FailureCode.DISK_FULL, True),
        (OSError(5, "Input/output error"), FailureCode.PACK_FAILED, True),
        (TimeoutError(), FailureCode.TIMEOUT, False),
    ],
)
async def test_trouble_while_writing_an_archive_is_told_by_cause(
    store: FilesystemStore, world: World, error: OSError, cause: str, transient: bool
) -> None:
    build = await build_of(store, locked("a-script"))
    with pytest.raises(StageFailure) as failure:
        await store_artifact(
            build.request("CONDA_PACK"), RecordingContext(), tools=some_tools(world, PlainPacker(error))
        )
    assert (failure.value.cause, failure.value.transient) == (cause, transient)


async def test_discarded_artifacts_are_removed_however_often_it_is_asked(build: StoredBuild, tools: Tools) -> None:
    await store_artifact(build.request("CONDA_PACK"), RecordingContext(), tools=tools)
    keys = (ARCHIVE_KEY, order_key(BUILD_KEY))
    request = ArtifactDiscardRequested(build_id=7, build_key=BUILD_KEY, keys=keys, discard_id="d")
    for _ in range(2):
        told = await discard_artifacts(request, store=tools.store, transactions=tools.transactions)
        assert told.discard_id == "d"
    assert [await tools.store.head(key) for key in keys] == [None, None]
    assert await tools.store.head(prefix_record_key(BUILD_KEY)) is not None
