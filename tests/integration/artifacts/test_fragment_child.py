"""Packages become fragments in a child process: what is in them, and that it is always the same."""

import asyncio
import gzip
import io
import json
import os
import signal
import tarfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import zstandard

from conda_store_artifacts.adapters.child_fragment_maker import MODULE, ChildFragmentMaker, FragmentSettings
from conda_store_artifacts.domain.fragment import (
    Blob,
    Codec,
    Fragment,
    FragmentFormat,
    FragmentKind,
    why_no_concatenation,
)
from conda_store_artifacts.domain.fragment_files import Mention
from conda_store_artifacts.ports import FragmentOrder, MadeFragment
from conda_store_shared.child.pool import ChildPool, PoolOptions
from conda_store_shared.child.report import SilentReport
from conda_store_shared.domain.lockfile import LockedPackage
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure
from conda_store_shared.testing.bus_messages import eventually
from tests.integration.artifacts.package_files import PLACEHOLDER, PLATFORM, write_package, write_wheel

ARCHIVE = FragmentFormat(kind=FragmentKind.ARCHIVE)
LAYER = FragmentFormat(kind=FragmentKind.LAYER)
TEXT = f"root = {PLACEHOLDER}\n".encode()
SCRIPT = f"#!{PLACEHOLDER}/bin/sh -e\necho\n".encode()
BINARY = f"start\0{PLACEHOLDER}/lib\0end".encode() + bytes(30)


@pytest.fixture
async def pool() -> AsyncIterator[ChildPool]:
    async with ChildPool(PoolOptions(preload=(MODULE,), spares=1)) as pool:
        yield pool


@pytest.fixture
def maker(pool: ChildPool, tmp_path: Path) -> ChildFragmentMaker:
    return ChildFragmentMaker(pool, FragmentSettings(cache=tmp_path / "cache"))


async def make(
    maker: ChildFragmentMaker,
    directory: Path,
    packages: Sequence[LockedPackage],
    wanted: FragmentFormat = ARCHIVE,
    *,
    only: Sequence[LockedPackage] | None = None,
) -> list[MadeFragment]:
    await asyncio.to_thread(directory.mkdir)
    order = FragmentOrder(platform=PLATFORM, packages=packages, wanted=only or packages, format=wanted, deadline=60.0)
    return await maker.make(order, directory, SilentReport())


def members(made: MadeFragment) -> dict[str, tuple[tarfile.TarInfo, bytes]]:
    packed = made.path.read_bytes()
    raw = (
        gzip.decompress(packed)
        if packed[:2] == b"\x1f\x8b"
        else zstandard.ZstdDecompressor().decompressobj().decompress(packed)
    )
    assert len(raw) == made.raw_size
    found = {}
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        for member in tar:
            file = tar.extractfile(member) if member.isreg() else None
            found[member.name] = (member, file.read() if file else b"")
    return found


def a_tool(channel: Path) -> LockedPackage:
    files = {"bin/tool": SCRIPT, "etc/tool.conf": TEXT, "lib/libtool.so": BINARY, "share/plain": b"plain"}
    return write_package(channel, "tool", files)


async def test_archive_fragment_holds_files_as_they_were_packaged(maker: ChildFragmentMaker, tmp_path: Path) -> None:
    [made] = await make(maker, tmp_path / "out", [a_tool(tmp_path / "channel")])
    found = members(made)
    assert {name: content for name, (_, content) in found.items() if not name.startswith("conda-meta/")} == {
        "bin/tool": b"#!/usr/bin/env sh -e\necho\n",
        "etc/tool.conf": TEXT,
        "lib/libtool.so": BINARY,
        "share/plain": b"plain",
    }
    assert set(made.files.mentions) == {
        Mention(path="etc/tool.conf", placeholder=PLACEHOLDER, mode="text"),
        Mention(path="lib/libtool.so", placeholder=PLACEHOLDER, mode="binary"),
    }
    assert {(member.mode, member.uid, member.gid, member.uname) for member, _ in found.values()} == {
        (0o755, 0, 0, ""),
        (0o644, 0, 0, ""),
    }
    assert found["bin/tool"][0].mode == 0o755
    assert found["share/plain"][0].mtime == 1_700_000_000
    record = json.loads(found["conda-meta/tool-1.0-0.json"][1])
    assert record["link"] == {"source": "", "type": 1}
    assert len(record["paths_data"]["paths"]) == 4


async def test_layer_fragment_holds_files_linked_for_its_prefix(maker: ChildFragmentMaker, tmp_path: Path) -> None:
    package = a_tool(tmp_path / "channel")
    for prefix in ("/opt/conda", "/srv/environment"):
        [made] = await make(
            maker, tmp_path / prefix.strip("/").replace("/", "-"), [package], replace(LAYER, prefix=prefix)
        )
        found = members(made)
        assert found[f"{prefix[1:]}/bin/tool"][1] == f"#!{prefix}/bin/sh -e\necho\n".encode()
        assert found[f"{prefix[1:]}/etc/tool.conf"][1] == f"root = {prefix}\n".encode()
        assert f"\0{prefix}/lib\0".encode() in found[f"{prefix[1:]}/lib/libtool.so"][1]
        assert len(found[f"{prefix[1:]}/lib/libtool.so"][1]) == len(BINARY)


@pytest.mark.parametrize("codec", list(Codec))
@pytest.mark.parametrize("kind", list(FragmentKind))
async def test_fragment_is_the_same_whoever_makes_it(
    pool: ChildPool, tmp_path: Path, kind: FragmentKind, codec: Codec
) -> None:
    large = write_package(tmp_path / "channel", "large", {"lib/large": bytes(17 << 20)})
    packages = [a_tool(tmp_path / "channel"), large]
    wanted = FragmentFormat(kind=kind, codec=codec)
    first = ChildFragmentMaker(pool, FragmentSettings(cache=tmp_path / "cache", threads=2))
    other = ChildFragmentMaker(pool, FragmentSettings(cache=tmp_path / "other cache", threads=1))
    made = await make(first, tmp_path / "one", packages, wanted)
    # Alone, and not beside the others.
    again = [(await make(other, tmp_path / package.name, packages, wanted, only=[package]))[0] for package in packages]
    assert [each.digest for each in made] == [each.digest for each in again]
    assert [each.raw_digest for each in made] == [each.raw_digest for each in again]


async def test_packages_that_another_cache_has_are_not_fetched(pool: ChildPool, tmp_path: Path) -> None:
    package = a_tool(tmp_path / "channel")
    lender = ChildFragmentMaker(pool, FragmentSettings(cache=tmp_path / "lender"))
    [first] = await make(lender, tmp_path / "one", [package])
    before = sorted(path for path in (tmp_path / "lender").rglob("*") if ".view-" not in str(path))
    gone = replace(package, url="http://127.0.0.1:1/channel/linux-64/tool-1.0-0.tar.bz2")
    borrower = ChildFragmentMaker(pool, FragmentSettings(cache=tmp_path / "own", lent=(tmp_path / "lender",)))
    [second] = await make(borrower, tmp_path / "two", [gone])
    assert second.raw_size == first.raw_size
    assert before == sorted(path for path in (tmp_path / "lender").rglob("*") if ".view-" not in str(path))
    nowhere = ChildFragmentMaker(pool, FragmentSettings(cache=tmp_path / "empty", lent=(tmp_path / "nothing",)))
    with pytest.raises(StageFailure) as failure:
        await make(nowhere, tmp_path / "three", [gone])
    assert failure.value.cause == FailureCode.CHANNEL_UNREACHABLE


async def test_packages_that_bring_the_same_file_have_fragments_of_their_own(
    maker: ChildFragmentMaker, tmp_path: Path
) -> None:
    one = write_package(tmp_path / "channel", "one", {"share/both": b"from one", "share/one": b"1"})
    two = write_package(tmp_path / "channel", "two", {"share/both": b"from two", "share/two": b"2"})
    made = await make(maker, tmp_path / "out", [one, two])
    assert [members(each)["share/both"][1] for each in made] == [b"from one", b"from two"]
    fragments = [fragment_of(each) for each in made]
    assert why_no_concatenation([one, two], fragments) == "two brings files that another package brings, too"
    assert why_no_concatenation([one], fragments[:1]) is None


async def test_link_script_is_told_and_not_run(maker: ChildFragmentMaker, tmp_path: Path) -> None:
    files = {"bin/.loud-post-link.sh": b"touch $PREFIX/ran\nexit 1\n"}
    package = write_package(tmp_path / "channel", "loud", files)
    [made] = await make(maker, tmp_path / "out", [package])
    assert made.files.link_script
    assert "loud has a link script" in str(why_no_concatenation([package], [fragment_of(made)]))


def fragment_of(made: MadeFragment) -> Fragment:
    blob = Blob(digest=made.digest, key="", size=made.size, raw_digest=made.raw_digest, raw_size=made.raw_size)
    return Fragment(id=made.digest, package=made.package, blob=blob, files=made.files)


def a_python(channel: Path) -> LockedPackage:
    """Enough of a python for other packages to be installed beside it."""
    package = write_package(channel, "python", {"bin/python3.11": b"", "lib/python3.11/os.py": b""})
    return replace(package, version="1.0")


async def test_wheel_is_unpacked_for_the_python_of_the_environment(maker: ChildFragmentMaker, tmp_path: Path) -> None:
    python = replace(a_python(tmp_path / "channel"), version="3.11.7")
    wheel = write_wheel(
        tmp_path / "wheels",
        "cheese",
        {
            "cheese/__init__.py": b"def main(): pass\n",
            "cheese-1.0.data/scripts/old-style": b"#!python\nprint()\n",
            "cheese-1.0.data/data/share/cheese.txt": b"gouda",
        },
        "[console_scripts]\ncheese = cheese:main\n",
    )
    [archive] = await make(maker, tmp_path / "archive", [python, wheel], only=[wheel])
    found = members(archive)
    assert found["lib/python3.11/site-packages/cheese/__init__.py"][1] == b"def main(): pass\n"
    assert found["share/cheese.txt"][1] == b"gouda"
    assert found["bin/cheese"][1].startswith(b"#!/usr/bin/env python\n")
    assert found["bin/old-style"][1] == b"#!/usr/bin/env python\nprint()\n"
    assert found["bin/cheese"][0].mode == found["bin/old-style"][0].mode == 0o755
    assert archive.files.mentions == ()
    [layer] = await make(maker, tmp_path / "layer", [python, wheel], LAYER, only=[wheel])
    assert members(layer)["opt/conda/bin/cheese"][1].startswith(b"#!/opt/conda/bin/python\n")
    [again] = await make(maker, tmp_path / "again", [python, wheel], only=[wheel])
    assert again.digest == archive.digest


@pytest.mark.parametrize(
    ("change", "cause", "told"),
    [
        ({"sha256": "0" * 64}, FailureCode.HASH_MISMATCH, "is not the file the lockfile names"),
        (
            {"url": "http://127.0.0.1:1/cheese-1.0-py3-none-any.whl"},
            FailureCode.CHANNEL_UNREACHABLE,
            "cannot be fetched",
        ),
        (
            {"url": "http://user:hidden@127.0.0.1:1/cheese-1.0-py3-none-any.whl"},
            FailureCode.CHANNEL_UNREACHABLE,
            "fetched",
        ),
    ],
)
async def test_wheel_that_cannot_be_had_is_told_by_cause(
    maker: ChildFragmentMaker, tmp_path: Path, change: dict[str, Any], cause: str, told: str
) -> None:
    python = replace(a_python(tmp_path / "channel"), version="3.11.7")
    wheel = replace(write_wheel(tmp_path / "wheels", "cheese", {}), **change)
    with pytest.raises(StageFailure, match=told) as failure:
        await make(maker, tmp_path / "out", [python, wheel], only=[wheel])
    assert failure.value.cause == cause
    assert "hidden" not in failure.value.detail


async def test_wheel_that_leaves_the_environment_is_refused(maker: ChildFragmentMaker, tmp_path: Path) -> None:
    python = replace(a_python(tmp_path / "channel"), version="3.11.7")
    wheel = write_wheel(tmp_path / "wheels", "escape", {"../../../../../../../../../tmp/escaped": b"gotcha"})
    with pytest.raises(StageFailure, match=r"package escape 1\.0 .* leads out of the environment") as failure:
        await make(maker, tmp_path / "out", [python, wheel], only=[wheel])
    assert failure.value.cause == FailureCode.INVALID_PACKAGE
    assert not await asyncio.to_thread(Path("/tmp/escaped").exists)


async def test_making_is_told_as_lost_when_its_child_is_killed_and_works_again(
    maker: ChildFragmentMaker, pool: ChildPool, tmp_path: Path
) -> None:
    packages = [write_package(tmp_path / "channel", f"large-{number}", {f"lib/{number}": os.urandom(1 << 22)})
                for number in range(4)]  # fmt: skip
    making = asyncio.create_task(make(maker, tmp_path / "out", packages))
    await eventually(lambda: any((tmp_path / "out").glob("conda-*")), timeout=30)
    os.kill(pool.stats().busy[0], signal.SIGKILL)
    with pytest.raises(StageFailure) as failure:
        await making
    assert (failure.value.cause, failure.value.transient) == (FailureCode.WORKER_LOST, True)
    assert len(await make(maker, tmp_path / "again", packages)) == 4


async def test_nothing_but_the_fragments_is_left_of_making_them(maker: ChildFragmentMaker, tmp_path: Path) -> None:
    made = await make(maker, tmp_path / "out", [a_tool(tmp_path / "channel")])
    assert list((tmp_path / "out").iterdir()) == [made[0].path]
