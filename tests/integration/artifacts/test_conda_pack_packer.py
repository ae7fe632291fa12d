"""Real prefixes packed in a child process, unpacked elsewhere and used there."""

import asyncio
import json
import os
import signal
import subprocess
import tarfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from conda_store_artifacts.adapters.conda_pack_packer import CondaPackPacker, PackOptions, pool_options
from conda_store_artifacts.ports import PackedArchive
from conda_store_shared.child.pool import ChildPool
from conda_store_shared.child.report import SilentReport
from conda_store_shared.domain.canonical import sha256_hex
from conda_store_shared.domain.prefix_record import PrefixRecord
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure
from conda_store_shared.testing.bus_messages import eventually

# Longer than the path the prefix was installed at: binaries have room for the placeholder, not only for that path.
ELSEWHERE = "unpacked-" + "far-" * 30


@pytest.fixture
async def pool() -> AsyncIterator[ChildPool]:
    async with ChildPool(pool_options(1)) as pool:
        yield pool


@pytest.fixture
def packer(pool: ChildPool) -> CondaPackPacker:
    return CondaPackPacker(pool, PackOptions(level=1))


async def pack(packer: CondaPackPacker, record: PrefixRecord, output: Path) -> PackedArchive:
    return await packer.pack(Path(record.path), output, 120.0, SilentReport())


def unpack(archive: Path, directory: Path) -> Path:
    directory.mkdir()
    with tarfile.open(archive) as tar:
        tar.extractall(directory, filter="tar")
    return directory


def run(prefix: Path, *command: str) -> str:
    environment = {"PATH": f"{prefix}/bin:/usr/bin:/bin", "HOME": "/nonexistent"}
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True, cwd=prefix).stdout


async def test_archive_runs_elsewhere_after_conda_unpack(
    packer: CondaPackPacker, installed: PrefixRecord, tmp_path: Path
) -> None:
    packed = await pack(packer, installed, tmp_path / "archive.tar.gz")
    content = (tmp_path / "archive.tar.gz").read_bytes()
    assert (packed.size, packed.digest) == (len(content), sha256_hex(content))

    prefix = unpack(tmp_path / "archive.tar.gz", tmp_path / ELSEWHERE)
    run(prefix, "bin/conda-unpack")
    assert run(prefix, "python", "-c", "import numpy; print(numpy.__file__)").startswith(str(prefix))
    # Text, a link to it, a command, and a binary whose texts were shortened when the prefix was installed.
    assert run(prefix, "demo-prefix") == f"root = {prefix}/share/demo-prefix\nagain = {prefix}\n"
    assert (prefix / "share/demo-prefix/link.conf").is_symlink()
    binary = (prefix / "share/demo-prefix/binary.dat").read_bytes()
    assert f"\0{prefix}/lib\0".encode() in binary
    assert len(binary) == (Path(installed.path) / "share/demo-prefix/binary.dat").stat().st_size
    # Made by a link script, so in no package.
    assert (prefix / "link-script-ran").read_text() == f"{prefix}\n"


async def test_archive_names_neither_the_prefix_nor_the_cache_once_unpacked(
    packer: CondaPackPacker, installed: PrefixRecord, tmp_path: Path
) -> None:
    await pack(packer, installed, tmp_path / "archive.tar.gz")
    prefix = unpack(tmp_path / "archive.tar.gz", tmp_path / ELSEWHERE)
    run(prefix, "bin/conda-unpack")
    store = str(Path(installed.path).parent.parent).encode()
    files = [path for path in prefix.rglob("*") if path.is_file() and path.name != "conda-unpack"]
    assert [str(path) for path in files if store in path.read_bytes()] == []
    records = [json.loads(path.read_text()) for path in (prefix / "conda-meta").glob("*.json")]
    assert {record["name"] for record in records} == {package.name for package in installed.packages}


def files_of(prefix: Path) -> set[str]:
    return {str(path.relative_to(prefix)) for path in prefix.rglob("*") if path.is_symlink() or path.is_file()}


async def test_archive_holds_every_file_owned_by_root_and_readable(
    packer: CondaPackPacker, installed: PrefixRecord, tmp_path: Path
) -> None:
    await pack(packer, installed, tmp_path / "archive.tar.gz")
    with tarfile.open(tmp_path / "archive.tar.gz") as tar:
        members = tar.getmembers()
    names = [member.name for member in members]
    assert len(names) == len(set(names))
    assert files_of(Path(installed.path)) - set(names) == {"conda-meta/conda-store"}
    assert {(member.uid, member.gid, member.uname) for member in members} == {(0, 0, "")}
    assert [member.name for member in members if not member.mode & 0o044] == []
    assert {"bin/activate", "bin/deactivate", "bin/conda-unpack"} <= set(names)


async def test_archive_is_the_same_when_packed_again(
    packer: CondaPackPacker, installed: PrefixRecord, pool: ChildPool, tmp_path: Path
) -> None:
    first = await pack(packer, installed, tmp_path / "first.tar.gz")
    with_one_thread = CondaPackPacker(pool, PackOptions(level=1, threads=1))
    assert await pack(with_one_thread, installed, tmp_path / "second.tar.gz") == first


async def test_packing_fails_for_good_when_the_prefix_is_not_on_this_machine(
    packer: CondaPackPacker, tmp_path: Path
) -> None:
    with pytest.raises(StageFailure, match=f"there is no prefix at {tmp_path}/gone on this machine") as failure:
        await packer.pack(tmp_path / "gone", tmp_path / "archive.tar.gz", 60.0, SilentReport())
    assert (failure.value.cause, failure.value.transient) == (FailureCode.PREFIX_MISSING, False)


async def test_packing_ends_at_its_deadline(packer: CondaPackPacker, installed: PrefixRecord, tmp_path: Path) -> None:
    with pytest.raises(StageFailure, match="not finished within") as failure:
        await packer.pack(Path(installed.path), tmp_path / "archive.tar.gz", 0.2, SilentReport())
    assert failure.value.cause == FailureCode.TIMEOUT


async def begin_packing(packer: CondaPackPacker, record: PrefixRecord, output: Path) -> "asyncio.Task[PackedArchive]":
    packing = asyncio.create_task(pack(packer, record, output))
    await eventually(output.exists)
    return packing


async def test_packing_stops_at_once_when_it_is_canceled(
    packer: CondaPackPacker, pool: ChildPool, installed: PrefixRecord, tmp_path: Path
) -> None:
    packing = await begin_packing(packer, installed, tmp_path / "archive.tar.gz")
    child = pool.stats().busy[0]
    began = time.monotonic()
    packing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await packing
    assert time.monotonic() - began < 5
    assert not psutil.pid_exists(child)


async def test_packing_is_told_as_lost_when_its_child_is_killed_and_works_again(
    packer: CondaPackPacker, pool: ChildPool, installed: PrefixRecord, tmp_path: Path
) -> None:
    packing = await begin_packing(packer, installed, tmp_path / "archive.tar.gz")
    os.kill(pool.stats().busy[0], signal.SIGKILL)
    with pytest.raises(StageFailure) as failure:
        await packing
    assert failure.value.transient
    packed = await pack(packer, installed, tmp_path / "again.tar.gz")
    assert packed.size == (await asyncio.to_thread((tmp_path / "again.tar.gz").stat)).st_size
