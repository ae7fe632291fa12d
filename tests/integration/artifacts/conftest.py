"""A real prefix, installed from the demo channel as the builder installs it."""

import asyncio
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import rattler

from conda_store_shared.child.report import SilentReport
from conda_store_shared.conda.installer import InstallPlan, finish, install
from conda_store_shared.conda.ownership import Ownership
from conda_store_shared.domain.lockfile import LockedPackage
from conda_store_shared.domain.prefix_record import PrefixRecord
from conda_store_shared.storage.s3 import S3Options
from conda_store_shared.testing.demo_channel import build_demo_channel
from conda_store_shared.testing.servers import Bucket

SPECIFICATION = ("python", "numpy", "demo-prefix", "demo-link-script")


async def solve(channel: str, platform: str) -> tuple[LockedPackage, ...]:
    detected = [package.into_generic() for package in rattler.VirtualPackage.detect()]
    records = await rattler.solve(
        [channel], list(SPECIFICATION), platforms=[platform, "noarch"], virtual_packages=detected
    )
    return tuple(
        LockedPackage(
            name=record.name.normalized,
            version=str(record.version),
            manager="conda",
            platform=platform,
            url=record.url,
            md5=record.md5.hex() if record.md5 else None,
            sha256=record.sha256.hex() if record.sha256 else None,
            build=str(record.build),
            dependencies={},
        )
        for record in records
    )


async def install_prefix(channel: str, root: Path) -> PrefixRecord:
    platform = str(rattler.Subdir.current())
    final = root / "team" / "0123abcd-1700000000-7-weather"
    plan = InstallPlan(
        platform=platform,
        conda=await solve(channel, platform),
        pip=(),
        prefix=str(final),
        cache=str(root / "cache"),
        link_mode="auto",
        ownership=Ownership(),
        uv="uv",
    )
    attempt = final.with_name(f".attempt-{uuid.uuid4().hex}")
    await install(attempt, plan, SilentReport())
    await asyncio.to_thread(attempt.rename, final)
    record = await asyncio.to_thread(finish, plan, SilentReport())
    # The builder's own mark on a whole prefix.
    await asyncio.to_thread((final / "conda-meta" / "conda-store").write_text, "{}")
    return record


@pytest.fixture(scope="session")
def installed(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefixRecord]:
    """The record of a prefix that no test may change."""
    assert pytestconfig.cache is not None
    channel = build_demo_channel(pytestconfig.cache.mkdir("demo-channel"), packages="small")
    root = tmp_path_factory.mktemp("store")
    yield asyncio.run(install_prefix(channel.url, root))
    shutil.rmtree(root)


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
