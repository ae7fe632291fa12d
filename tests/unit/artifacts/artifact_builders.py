"""Valid requests and their inputs, so that a test shows only what matters to it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from conda_store_artifacts.domain.fragment_files import Mention
from conda_store_artifacts.ports import PackedArchive
from conda_store_artifacts.use_cases.artifact_tools import Tools
from conda_store_shared.child.report import Report
from conda_store_shared.contracts.events import ArtifactRequested
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.canonical import sha256_hex
from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.domain.order import Order, PrefixOrder, SolveOrder
from conda_store_shared.domain.prefix_record import InstalledPackage, PrefixRecord
from conda_store_shared.domain.stage import Attempt
from conda_store_shared.domain.storage_keys import artifact_key, order_key, prefix_record_key
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.worker.stage import StageContext
from tests.unit.artifacts.fragment_world import World
from tests.unit.artifacts.image_world import some_image_tools

BUILD_KEY = "0123abcd-1700000000-7-weather"
PLATFORM = "linux-64"
CHANNEL = "https://conda.anaconda.org/conda-forge"


def a_package(name: str, version: str = "1.0", build: str = "h1_0") -> InstalledPackage:
    return InstalledPackage(
        channel=CHANNEL,
        name=name,
        version=version,
        build=build,
        build_number=0,
        subdir=PLATFORM,
        md5="",
        sha256="",
        size=-1,
        depends=(),
        constrains=(),
        license=None,
        license_family=None,
        summary=None,
        timestamp=None,
    )


def an_order(**changes: Any) -> Order:
    """``specification``, ``channels`` and ``artifact_deadline`` may be given."""
    specification = {"name": "weather", "channels": [], "dependencies": ["python"], **changes.get("specification", {})}
    return Order(
        build_id=7,
        build_key=BUILD_KEY,
        namespace="team",
        environment="weather",
        solve=SolveOrder(
            specification=specification,
            channels=changes.get("channels", (CHANNEL,)),
            platforms=(PLATFORM,),
            deadline=60,
        ),
        prefix=PrefixOrder(
            platform=PLATFORM, path="/store/weather", link=None, uid=None, gid=None, permissions=None, deadline=60
        ),
        artifacts=("YAML", "CONDA_PACK"),
        artifact_deadline=changes.get("artifact_deadline", 60.0),
    )


def a_lockfile(*pip: tuple[str, str], platform: str = PLATFORM) -> Lockfile:
    """A lockfile with these pip packages (name, version)."""
    packages = [
        {
            "name": name,
            "version": version,
            "manager": "pip",
            "platform": platform,
            "url": f"https://files.example.org/{name}-{version}-py3-none-any.whl",
            "hash": {"sha256": "0" * 64},
            "dependencies": {},
        }
        for name, version in pip
    ]
    return Lockfile.from_value({"version": 1, "metadata": {"platforms": [PLATFORM]}, "package": packages})


@dataclass(kw_only=True)
class StoredBuild:
    """What the earlier stages put into the store."""

    order: Order = field(default_factory=an_order)
    lockfile: Lockfile = field(default_factory=a_lockfile)
    record: PrefixRecord = field(
        default_factory=lambda: PrefixRecord(
            path="/store/weather", apparent_bytes=1, unique_bytes=1, packages=(a_package("python", "3.11.7"),)
        )
    )

    async def put(self, store: ObjectStore) -> None:
        await store.put(order_key(BUILD_KEY), self.order.to_bytes(), "application/json")
        lockfile = self.lockfile.to_text().encode()
        await store.put(artifact_key(ArtifactType.LOCKFILE, BUILD_KEY), lockfile, "application/json")
        await store.put(prefix_record_key(BUILD_KEY), self.record.to_bytes(), "application/json")

    def request(self, artifact_type: str) -> ArtifactRequested:
        return ArtifactRequested(
            build_id=7,
            build_key=BUILD_KEY,
            artifact_type=artifact_type,
            order_digest=self.order.digest,
            lockfile_digest=self.lockfile.digest,
        )


class RecordingContext(StageContext):
    """Keeps what an attempt says."""

    def __init__(self, stage: str = "artifact.CONDA_PACK") -> None:
        self.stage = stage
        self.attempt = Attempt(attempt_id="attempt-1", started_at=datetime(2026, 11, 22, tzinfo=UTC))
        self.lines: list[str] = []

    def log(self, text: str) -> None:
        self.lines.append(text)

    def progress(self, done: int, total: int, unit: str) -> None:
        pass


class PlainPacker:
    """Writes the prefix's path where the archive is wanted, or raises ``failure``."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.packed: list[Path] = []
        self._failure = failure

    async def pack(self, prefix: Path, output: Path, deadline: float, report: Report) -> PackedArchive:
        self.packed.append(prefix)
        content = f"archive of {prefix.name}".encode()
        await asyncio.to_thread(output.write_bytes, content)
        if self._failure is not None:
            raise self._failure
        return PackedArchive(size=len(content), digest=sha256_hex(content), files=3)


class PlainEnds:
    """Writes the paths of the files to be mended."""

    def __init__(self) -> None:
        self.failure: Exception | None = None

    async def make_end(self, mentions: Sequence[Mention], deadline: float, report: Report) -> bytes:
        if self.failure is not None:
            raise self.failure
        return b"|end" + b"".join(f" {mention.path}".encode() for mention in mentions)


class PlainRebuilder:
    """Makes an empty prefix."""

    def __init__(self) -> None:
        self.rebuilt: list[Path] = []

    async def rebuild(self, lockfile: Lockfile, platform: str, prefix: Path, deadline: float, report: Report) -> None:
        self.rebuilt.append(prefix)
        await asyncio.to_thread(prefix.mkdir)


def some_tools(world: World, packer: PlainPacker) -> Tools:
    """Tools that leave plain traces of what was asked of them."""
    return Tools(
        fragments=world.tools,
        images=some_image_tools(),
        ends=PlainEnds(),
        packer=packer,
        rebuilder=PlainRebuilder(),
        level=1,
    )
