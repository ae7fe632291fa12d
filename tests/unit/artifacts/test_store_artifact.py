"""One artifact of a completed build: made, stored, told."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from conda_store_artifacts.adapters.work_directory import WorkDirectory
from conda_store_artifacts.use_cases.discard_artifacts import discard_artifacts
from conda_store_artifacts.use_cases.store_artifact import PACKING, Tools, store_artifact
from conda_store_shared.contracts.events import ArtifactDiscardRequested
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.canonical import sha256_hex
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.domain.storage_keys import artifact_key, order_key, prefix_record_key
from conda_store_shared.errors import StageFailure
from conda_store_shared.storage.filesystem import FilesystemStore
from tests.unit.artifacts.artifact_builders import BUILD_KEY, PlainPacker, RecordingContext, StoredBuild, an_order

ARCHIVE_KEY = artifact_key(ArtifactType.CONDA_PACK, BUILD_KEY)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[FilesystemStore]:
    async with FilesystemStore(tmp_path / "storage") as store:
        yield store


@pytest.fixture
def packer() -> PlainPacker:
    return PlainPacker()


@pytest.fixture
async def tools(store: FilesystemStore, packer: PlainPacker, tmp_path: Path) -> Tools:
    async with WorkDirectory(tmp_path / "work", PACKING):
        return Tools(store=store, packer=packer, work_directory=tmp_path / "work")


@pytest.fixture
async def build(store: FilesystemStore) -> StoredBuild:
    build = StoredBuild()
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


async def test_archive_is_stored_and_told(build: StoredBuild, tools: Tools) -> None:
    context = RecordingContext()
    stored = await store_artifact(build.request("CONDA_PACK"), context, tools=tools)
    content = await tools.store.get(ARCHIVE_KEY, 10_000)
    assert content == b"archive of /store/weather"
    assert (stored.key, stored.size, stored.digest) == (ARCHIVE_KEY, len(content), sha256_hex(content))
    assert all(line.startswith("action_generate_conda_pack: ") for line in context.lines)
    assert list(tools.work_directory.iterdir()) == []


@pytest.mark.parametrize("artifact_type", ["YAML", "CONDA_PACK"])
async def test_artifact_is_told_again_and_not_made_again_when_it_is_stored(
    build: StoredBuild, tools: Tools, packer: PlainPacker, artifact_type: str
) -> None:
    first = await store_artifact(build.request(artifact_type), RecordingContext(), tools=tools)
    # What it was made from may be gone by then.
    for key in (order_key(BUILD_KEY), prefix_record_key(BUILD_KEY)):
        await tools.store.delete(key)
    assert await store_artifact(build.request(artifact_type), RecordingContext(), tools=tools) == first
    assert len(packer.packed) == (1 if artifact_type == "CONDA_PACK" else 0)


@pytest.mark.parametrize("artifact_type", ["DOCKER_MANIFEST", "CONSTRUCTOR_INSTALLER", "LOCKFILE", "NOVELTY", ""])
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


async def test_failed_packing_leaves_nothing_behind(build: StoredBuild, store: FilesystemStore, tmp_path: Path) -> None:
    failure = StageFailure(FailureCode.PREFIX_MISSING, "there is no prefix")
    async with WorkDirectory(tmp_path / "work", PACKING):
        tools = Tools(store=store, packer=PlainPacker(failure), work_directory=tmp_path / "work")
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
    build: StoredBuild, tools: Tools, error: OSError, cause: str, transient: bool
) -> None:
    troubled = Tools(store=tools.store, packer=PlainPacker(error), work_directory=tools.work_directory)
    with pytest.raises(StageFailure) as failure:
        await store_artifact(build.request("CONDA_PACK"), RecordingContext(), tools=troubled)
    assert (failure.value.cause, failure.value.transient) == (cause, transient)


async def test_discarded_artifacts_are_removed_however_often_it_is_asked(build: StoredBuild, tools: Tools) -> None:
    await store_artifact(build.request("CONDA_PACK"), RecordingContext(), tools=tools)
    keys = (ARCHIVE_KEY, order_key(BUILD_KEY))
    request = ArtifactDiscardRequested(build_id=7, build_key=BUILD_KEY, keys=keys, discard_id="d")
    for _ in range(2):
        assert (await discard_artifacts(request, store=tools.store)).discard_id == "d"
    assert [await tools.store.head(key) for key in keys] == [None, None]
    assert await tools.store.head(prefix_record_key(BUILD_KEY)) is not None
