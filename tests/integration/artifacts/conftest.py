"""Real environments, solved and installed from the demo channel as solver and builder do."""

import asyncio
import shutil
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import rattler
from uv import find_uv_bin

from conda_store_shared.child.report import SilentReport
from conda_store_shared.conda.install_plan import InstallPlan
from conda_store_shared.conda.installer import finish, install
from conda_store_shared.conda.ownership import Ownership
from conda_store_shared.db.engine import Database
from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.domain.prefix_record import PrefixRecord
from conda_store_shared.domain.whole_marker import WHOLE_MARKER, WholeMarker
from conda_store_shared.storage.filesystem import FilesystemStore
from conda_store_shared.storage.s3 import S3Options
from conda_store_shared.testing.demo_channel import build_demo_channel
from conda_store_shared.testing.servers import Bucket
from tests.integration.artifacts.download_service import DownloadService
from tests.integration.artifacts.package_files import write_wheel
from tests.unit.artifacts.artifact_builders import BUILD_KEY, StoredBuild, an_order

PLAIN = ("python", "numpy", "flask", "demo-prefix")
SCRIPTED = ("python", "numpy", "demo-prefix", "demo-link-script")


@dataclass(frozen=True, kw_only=True)
class DemoEnvironment:
    """An environment that was built: what is locked, and the prefix, which no test may change."""

    lockfile: Lockfile
    record: PrefixRecord
    cache: Path

    @property
    def prefix(self) -> Path:
        """Where it is installed."""
        return Path(self.record.path)

    def stored_build(self, *, mounted: bool = True) -> StoredBuild:
        """The build as the earlier stages leave it; unless it is ``mounted``, the prefix is on another machine."""
        path = self.record.path if mounted else "/nowhere/weather"
        record = PrefixRecord(path=path, apparent_bytes=1, unique_bytes=1, packages=self.record.packages)
        return StoredBuild(order=an_order(), lockfile=self.lockfile, record=record)


async def solve(channel: str, platform: str, specification: Sequence[str]) -> list[dict[str, Any]]:
    """What is locked of ``specification``."""
    detected = [package.into_generic() for package in rattler.VirtualPackage.detect()]
    records = await rattler.solve(
        [channel], list(specification), platforms=[platform, "noarch"], virtual_packages=detected
    )
    return [
        {
            "name": record.name.normalized,
            "version": str(record.version),
            "manager": "conda",
            "platform": platform,
            "url": record.url,
            "hash": {"md5": record.md5.hex() if record.md5 else None, "sha256": (record.sha256 or b"").hex()},
            "build": str(record.build),
            "dependencies": {},
        }
        for record in records
    ]


def a_pip_package(directory: Path, platform: str) -> dict[str, Any]:
    """A wheel with a module, a command and data."""
    wheel = write_wheel(
        directory,
        "cheese",
        {"cheese/__init__.py": b"def main(): print('gouda')\n", "cheese-1.0.data/data/share/cheese.txt": b"brie"},
        "[console_scripts]\ncheese = cheese:main\n",
    )
    return {
        "name": "cheese",
        "version": "1.0",
        "manager": "pip",
        "platform": platform,
        "url": wheel.url,
        "hash": {"sha256": wheel.sha256},
        "dependencies": {},
    }


async def build_environment(channel: str, root: Path, wheels: Path, specification: Sequence[str]) -> DemoEnvironment:
    platform = str(rattler.Subdir.current())
    packages = [*await solve(channel, platform, specification), a_pip_package(wheels, platform)]
    lockfile = Lockfile.from_value({"version": 1, "metadata": {"platforms": [platform]}, "package": packages})
    final = root / "team" / BUILD_KEY
    plan = InstallPlan(
        platform=platform,
        conda=lockfile.select(platform, "conda"),
        pip=lockfile.select(platform, "pip"),
        prefix=str(final),
        cache=str(root / "cache"),
        link_mode="auto",
        ownership=Ownership(),
        uv=find_uv_bin(),
    )
    attempt = final.with_name(f".attempt-{uuid.uuid4().hex}")
    await install(attempt, plan, SilentReport())
    await asyncio.to_thread(attempt.rename, final)
    record = await asyncio.to_thread(finish, plan, SilentReport())
    marker = WholeMarker(build_key=BUILD_KEY, lockfile_digest=lockfile.digest, apparent_bytes=1, unique_bytes=1)
    await asyncio.to_thread((final / WHOLE_MARKER).write_bytes, marker.to_bytes())
    return DemoEnvironment(lockfile=lockfile, record=record, cache=root / "cache")


def _environment(
    config: pytest.Config, factory: pytest.TempPathFactory, specification: Sequence[str]
) -> Iterator[DemoEnvironment]:
    assert config.cache is not None
    channel = build_demo_channel(config.cache.mkdir("demo-channel"), packages="small")
    root = factory.mktemp("store")
    yield asyncio.run(build_environment(channel.url, root, factory.mktemp("wheels"), specification))
    shutil.rmtree(root)


@pytest.fixture(scope="session")
def plain(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoEnvironment]:
    """One that fragments make up."""
    yield from _environment(pytestconfig, tmp_path_factory, PLAIN)


@pytest.fixture(scope="session")
def scripted(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoEnvironment]:
    """One with a link script."""
    yield from _environment(pytestconfig, tmp_path_factory, SCRIPTED)


@pytest.fixture
def installed(scripted: DemoEnvironment) -> PrefixRecord:
    """The record of a prefix."""
    return scripted.record


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """URL of an SQLite database of this test's own, with the newest schema and no rows."""
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'test.sqlite')}"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """URL of such a database of each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
async def empty_database(sqlite_url: str) -> AsyncIterator[Database]:
    """An SQLite database with the newest schema."""
    async with Database(sqlite_url) as database:
        yield database


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database of each kind, with the newest schema."""
    async with Database(database_url, pool_size=2) as database:
        yield database


@pytest.fixture
async def service(database: Database, tmp_path: Path) -> AsyncIterator[DownloadService]:
    """Downloads of one build."""
    async with FilesystemStore(tmp_path / "storage") as store:
        service = DownloadService(database=database, store=store)
        await service.add_build()
        yield service


@pytest.fixture
async def client(service: DownloadService) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who may read it."""
    async with service.client() as client:
        yield client


@pytest.fixture
def s3_options(s3_bucket: Bucket) -> S3Options:
    """An empty bucket."""
    account = s3_bucket.account
    return S3Options(
        bucket=s3_bucket.name,
        endpoint=account.endpoint,
        access_key=account.access_key,
        secret_key=account.secret_key,
    )
