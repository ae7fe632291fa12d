"""The wired service: requests come over the bus, artifacts of a real prefix end in the object store."""

import asyncio
import io
import json
import tarfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import yaml

from conda_store_artifacts.adapters.conda_pack_packer import PackOptions
from conda_store_artifacts.config import ArtifactsOptions
from conda_store_artifacts.main import build
from conda_store_shared.bus.memory import MemoryBus, MemoryOptions
from conda_store_shared.bus.port import Subscription
from conda_store_shared.contracts.envelope import Envelope
from conda_store_shared.contracts.events import (
    ArtifactDiscardRequested,
    ArtifactStored,
    BuildCanceled,
    Event,
    LogWritten,
    StageFailed,
    StageStarted,
)
from conda_store_shared.contracts.topology import API, queue_name
from conda_store_shared.db.engine import Database
from conda_store_shared.domain.storage_keys import canceled_key
from conda_store_shared.storage.filesystem import FilesystemStore
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.storage.s3 import S3Options, S3Store
from conda_store_shared.testing.bus_messages import a_message, eventually, running
from tests.integration.artifacts.conftest import DemoEnvironment
from tests.unit.artifacts.artifact_builders import BUILD_KEY, StoredBuild
from tests.unit.artifacts.fragment_world import a_world

ARCHIVE_KEY = f"archive/{BUILD_KEY}.tar.gz"
FACTS: tuple[type[Event], ...] = (ArtifactStored, LogWritten, StageFailed, StageStarted)


class Suite:
    """A running artifacts service, and what the ledger hears of it."""

    def __init__(self, bus: MemoryBus, store: ObjectStore, work_directory: Path) -> None:
        self.bus = bus
        self.store = store
        self.work_directory = work_directory
        self.heard: list[Event] = []

    async def hear(self, envelope: Envelope) -> None:
        self.heard.append(envelope.event)

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.heard if type(event) is kind]

    async def ask(self, event: Event) -> None:
        await self.bus.publish(a_message(event))

    async def until_stored(self, count: int) -> None:
        await eventually(lambda: len(self.stored()) >= count or bool(self.of(StageFailed)), timeout=60)
        assert self.of(StageFailed) == []

    def stored(self) -> list[ArtifactStored]:
        return [event for event in self.heard if isinstance(event, ArtifactStored)]

    async def layers(self) -> list[dict[tarfile.TarInfo, bytes]]:
        """The layers of the image that was stored, as files with their contents."""
        manifest = json.loads(await self.store.get(f"docker/manifest/{BUILD_KEY}", 2**20))
        found = []
        for layer in manifest["layers"]:
            content = await self.store.get(f"docker/blobs/{layer['digest'].removeprefix('sha256:')}", 2**30)
            with tarfile.open(fileobj=io.BytesIO(content)) as tar:
                found.append({member: _content(tar, member) for member in tar})
        return found


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member) if member.isreg() else None
    return file.read() if file else b""


@asynccontextmanager
async def running_suite(
    store: ObjectStore, database: Database, work_directory: Path, duplicates: float = 0.0
) -> AsyncIterator[Suite]:
    bus = MemoryBus(MemoryOptions(duplicates=duplicates, seed=1))
    suite = Suite(bus, store, work_directory)
    options = ArtifactsOptions(
        work_directory=work_directory,
        cache_directory=work_directory.parent / "cache",
        concurrency=2,
        pack=PackOptions(level=1),
    )
    service = build(options, bus=bus, store=store, database=database)
    for subscription in service.subscriptions:
        bus.subscribe(subscription)
    for kind in FACTS:
        bus.subscribe(Subscription(queue=queue_name(API, kind), handler=suite.hear))
    async with AsyncExitStack() as stack:
        for context in (*service.contexts, *service.pools):
            await stack.enter_async_context(context)
        await stack.enter_async_context(running(bus))
        yield suite


@pytest.fixture
async def files(tmp_path: Path) -> AsyncIterator[FilesystemStore]:
    async with FilesystemStore(tmp_path / "storage") as store:
        yield store


@pytest.fixture
async def database(empty_database: Database, tmp_path: Path) -> Database:
    """One with the build that artifacts are wanted of."""
    async with FilesystemStore(tmp_path / "unused") as store:
        await a_world(empty_database, store, tmp_path).add_builds(7)
    return empty_database


@pytest.fixture
async def suite(files: FilesystemStore, database: Database, tmp_path: Path) -> AsyncIterator[Suite]:
    async with running_suite(files, database, tmp_path / "work") as suite:
        yield suite


@pytest.fixture
def stored_build(plain: DemoEnvironment) -> StoredBuild:
    return plain.stored_build(mounted=False)


async def test_service_stores_every_wanted_artifact_of_a_prefix(suite: Suite, stored_build: StoredBuild) -> None:
    await stored_build.put(suite.store)
    for artifact_type in ("YAML", "CONDA_PACK"):
        await suite.ask(stored_build.request(artifact_type))
    await eventually(lambda: len(suite.stored()) == 2, timeout=60)
    exported = yaml.safe_load(await suite.store.get(f"yaml/{BUILD_KEY}.yml", 100_000))
    *conda, pip = exported["dependencies"]
    assert [text.split("=")[0] for text in conda] == [package.name for package in stored_build.record.packages]
    assert pip == {"pip": ["cheese==1.0"]}
    stored = {event.artifact_type: event for event in suite.stored()}["CONDA_PACK"]
    found = await suite.store.head(ARCHIVE_KEY)
    assert found is not None
    assert (stored.key, stored.size) == (ARCHIVE_KEY, found.size)
    assert {event.stage for event in suite.heard if isinstance(event, StageStarted)} == {
        "artifact.YAML",
        "artifact.CONDA_PACK",
    }
    assert suite.of(LogWritten)


async def test_service_streams_archives_to_s3(
    stored_build: StoredBuild, database: Database, s3_options: S3Options, tmp_path: Path
) -> None:
    async with S3Store(s3_options) as store, running_suite(store, database, tmp_path / "work") as suite:
        await stored_build.put(store)
        await suite.ask(stored_build.request("CONDA_PACK"))
        await eventually(lambda: len(suite.stored()) == 1, timeout=60)
        fetched = tmp_path / "fetched.tar.gz"
        with fetched.open("wb") as file:
            async for piece in store.stream(ARCHIVE_KEY):
                file.write(piece)
    with tarfile.open(fetched) as tar:
        assert "bin/conda-unpack" in tar.getnames()


async def test_service_packs_once_however_often_it_is_asked(
    files: FilesystemStore, database: Database, stored_build: StoredBuild, tmp_path: Path
) -> None:
    await stored_build.put(files)
    async with running_suite(files, database, tmp_path / "work", duplicates=1.0) as suite:
        for _ in range(3):
            await suite.ask(stored_build.request("CONDA_PACK"))
        await eventually(lambda: len(suite.stored()) >= 3, timeout=60)
    assert len({(event.key, event.size, event.digest) for event in suite.stored()}) == 1


async def test_service_fails_an_artifact_of_an_unknown_type_for_good(suite: Suite, stored_build: StoredBuild) -> None:
    await stored_build.put(suite.store)
    await suite.ask(stored_build.request("DIRECTORY"))
    await eventually(lambda: bool(suite.of(StageFailed)))
    failed = suite.of(StageFailed)[0]
    assert isinstance(failed, StageFailed)
    assert (failed.stage, failed.transient) == ("artifact.DIRECTORY", False)


@pytest.mark.parametrize("mounted", [True, False])
async def test_service_packs_a_prefix_with_link_scripts_whether_it_is_mounted_or_not(
    suite: Suite, scripted: DemoEnvironment, mounted: bool
) -> None:
    build = scripted.stored_build(mounted=mounted)
    await build.put(suite.store)
    await suite.ask(build.request("CONDA_PACK"))
    await eventually(lambda: len(suite.stored()) == 1, timeout=60)
    content = await suite.store.get(ARCHIVE_KEY, 2**30)
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        assert {"link-script-ran", "bin/conda-unpack", "bin/cheese"} <= set(tar.getnames())
    said = "".join(event.lines for event in suite.heard if isinstance(event, LogWritten))
    assert "packing an installed prefix, since demo-link-script has a link script" in said
    assert ("it is installed anew" in said) is not mounted


async def test_service_stops_packing_a_canceled_build(suite: Suite, stored_build: StoredBuild) -> None:
    await stored_build.put(suite.store)
    await suite.ask(stored_build.request("CONDA_PACK"))
    await eventually(lambda: any(suite.work_directory.glob("packing-*/*")), timeout=30)
    await suite.store.put(canceled_key(BUILD_KEY), b"", "text/plain")
    await suite.ask(BuildCanceled(build_id=7, build_key=BUILD_KEY))
    await eventually(lambda: not any(suite.work_directory.iterdir()), timeout=5)
    await suite.ask(stored_build.request("CONDA_PACK"))
    await asyncio.sleep(0.3)
    assert await suite.store.head(ARCHIVE_KEY) is None
    assert suite.stored() == []


async def test_service_removes_discarded_artifacts(suite: Suite, stored_build: StoredBuild) -> None:
    await stored_build.put(suite.store)
    await suite.ask(stored_build.request("YAML"))
    await eventually(lambda: len(suite.stored()) == 1)
    key = suite.stored()[0].key
    await suite.ask(ArtifactDiscardRequested(build_id=7, build_key=BUILD_KEY, keys=(key,)))
    async with asyncio.timeout(10):
        while await suite.store.head(key) is not None:  # noqa: ASYNC110 - the store tells only when asked
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("mounted", [True, False])
async def test_image_holds_what_link_scripts_left_whether_the_prefix_is_mounted_or_not(
    suite: Suite, scripted: DemoEnvironment, mounted: bool
) -> None:
    build = scripted.stored_build(mounted=mounted)
    await build.put(suite.store)
    await suite.ask(build.request("DOCKER_MANIFEST"))
    await eventually(lambda: len(suite.stored()) == 1, timeout=60)
    *packages, rest, activation = await suite.layers()
    names = [member.name for layer in packages for member in layer]
    assert {"lib64", "opt/conda/bin/python3.11", "opt/conda/share/cheese.txt"} <= set(names)
    assert [member.name for member in activation][-1] == "opt/conda/etc/conda/entrypoint.sh"
    written = {member.name: content for member, content in rest.items()}
    assert "opt/conda/link-script-ran" in written
    # Nothing that is packaged comes a second time, nor does anything name the prefix it ran in.
    assert not set(written) & set(names)
    assert str(scripted.prefix).encode() not in b"".join(written.values())


async def test_modules_in_layers_are_compiled_and_count_whatever_the_time_of_their_source(
    suite: Suite, plain: DemoEnvironment
) -> None:
    build = plain.stored_build(mounted=False)
    await build.put(suite.store)
    await suite.ask(build.request("DOCKER_MANIFEST"))
    await eventually(lambda: len(suite.stored()) == 1, timeout=60)
    contents = {member.name: content for layer in await suite.layers() for member, content in layer.items()}
    modules = {
        name
        for name in contents
        if "/lib/python3.11/" in name and name.endswith(".py") and not {"test", "tests"} & set(name.split("/"))
    }
    compiled = {
        name: content
        for name, content in contents.items()
        if name.endswith(".cpython-311.pyc") and "/lib/python3.11/" in name
    }
    assert {content[4:8] for content in compiled.values()} == {b"\x01\x00\x00\x00"}
    assert any(name.endswith("cheese/__pycache__/__init__.cpython-311.pyc") for name in compiled)
    # Templates and tests of what does not compile are no modules.
    assert len(compiled) > 0.97 * len(modules)
