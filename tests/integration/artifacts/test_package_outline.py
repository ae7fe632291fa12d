"""Fragments of packages that are read where they are: the same as those of packages that were installed."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from conda_store_artifacts.adapters.child_fragment_maker import MODULE, ChildFragmentMaker, FragmentSettings
from conda_store_artifacts.domain.fragment import FragmentFormat
from conda_store_artifacts.ports import MadeFragment
from conda_store_shared.child.pool import ChildPool, PoolOptions
from conda_store_shared.domain.lockfile import LockedPackage
from conda_store_shared.errors import StageFailure
from tests.integration.artifacts.package_files import write_package
from tests.integration.artifacts.test_fragment_child import ARCHIVE, LAYER, a_tool, make, members

SITE_PACKAGES = "lib/python3.11/site-packages"
LINK = {
    "noarch": {"type": "python", "entry_points": ["cheese = cheese.shop:main"]},
    "package_metadata_version": 1,
}


@pytest.fixture
async def pool() -> AsyncIterator[ChildPool]:
    async with ChildPool(PoolOptions(preload=(MODULE,), spares=1)) as pool:
        yield pool


@pytest.fixture
def fetching(pool: ChildPool, tmp_path: Path) -> ChildFragmentMaker:
    """Has no packages, and installs what it fetches."""
    return ChildFragmentMaker(pool, FragmentSettings(cache=tmp_path / "lender"))


@pytest.fixture
def borrowing(pool: ChildPool, tmp_path: Path) -> ChildFragmentMaker:
    """Has no packages either, and may read those of the other."""
    return ChildFragmentMaker(pool, FragmentSettings(cache=tmp_path / "own", lent=(tmp_path / "lender",)))


def every_sort(channel: Path) -> list[LockedPackage]:
    python = {"bin/python3.11": b"", "lib/python3.11/os.py": b"NAME = 'posix'\n"}
    noarch = {
        "site-packages/cheese/shop.py": b"def main(): pass\n",
        "site-packages/cheese/k\u00e4se.txt": b"gouda",
        "site-packages/cheese-1.0.dist-info/METADATA": b"",
        "python-scripts/old-cheese": b"#!/usr/bin/env python\n",
        "share/cheese.txt": b"brie",
    }
    return [
        write_package(channel, "python", python, version="3.11.7"),
        a_tool(channel),
        write_package(channel, "cheese", noarch, noarch=True, more={"info/link.json": json.dumps(LINK).encode()}),
        write_package(channel, "linked", {"lib/a-b/x": b"", "lib/a/y": b"y"}, links={"lib/l": "a/y"}),
        write_package(channel, "untold", {"share/old": b"old"}, more={"share/not-declared": b""}),
        write_package(channel, "empty", {}),
    ]


def digests(made: Sequence[MadeFragment]) -> dict[str, str]:
    return {each.package.name: each.digest for each in made}


def inodes(cache: Path) -> dict[str, tuple[int, int]]:
    """Mode and time of every file that is no process's own."""
    paths = [path for path in cache.rglob("*") if ".view-" not in str(path)]
    return {str(path): (path.lstat().st_mode, path.lstat().st_mtime_ns) for path in paths}


@pytest.mark.parametrize("wanted", [ARCHIVE, LAYER])
async def test_fragment_of_a_package_that_is_there_is_that_of_one_that_was_installed(
    fetching: ChildFragmentMaker, borrowing: ChildFragmentMaker, tmp_path: Path, wanted: FragmentFormat
) -> None:
    packages = every_sort(tmp_path / "channel")
    installed = await make(fetching, tmp_path / "one", packages, wanted)
    before = await asyncio.to_thread(inodes, tmp_path / "lender")
    read = await make(borrowing, tmp_path / "two", packages, wanted)
    assert digests(read) == digests(installed)
    assert [each.files for each in read] == [each.files for each in installed]
    # Nothing was copied, and nothing changed where it was read.
    assert not (tmp_path / "own" / "packages").exists()
    assert await asyncio.to_thread(inodes, tmp_path / "lender") == before
    cheese = next(each for each in read if each.package.name == "cheese")
    prefix = "opt/conda/" if wanted is LAYER else ""
    assert {f"{prefix}bin/cheese", f"{prefix}bin/old-cheese", f"{prefix}{SITE_PACKAGES}/cheese/shop.py"} <= set(
        members(cheese)
    )


def shorten(package: Path) -> None:
    (package / "share/plain").write_bytes(b"")


def empty_what_is_changed(package: Path) -> None:
    (package / "etc/tool.conf").write_bytes(b"")


def lose(package: Path) -> None:
    (package / "share/plain").unlink()


def lose_the_list(package: Path) -> None:
    (package / "info/paths.json").unlink()


def cut_the_list(package: Path) -> None:
    text = (package / "info/paths.json").read_text()
    (package / "info/paths.json").write_text(text[: len(text) // 2])


def make_nonsense_of_the_list(package: Path) -> None:
    (package / "info/paths.json").write_text('{"paths": [1, {"_path": 2}]}')


def forget(package: Path) -> None:
    (package / "info/conda-store.json").unlink()


DAMAGE = (shorten, empty_what_is_changed, lose, lose_the_list, cut_the_list, make_nonsense_of_the_list, forget)


@pytest.mark.parametrize("damage", DAMAGE)
async def test_package_that_is_not_whole_where_it_is_read_is_fetched(
    fetching: ChildFragmentMaker, borrowing: ChildFragmentMaker, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    packages = [a_tool(tmp_path / "channel"), write_package(tmp_path / "channel", "other", {"share/other": b"other"})]
    whole = await make(fetching, tmp_path / "one", packages)
    damage(next((tmp_path / "lender" / "packages").glob("*/tool-*")))
    again = await make(borrowing, tmp_path / "two", packages)
    assert digests(again) == digests(whole)
    assert sorted(path.name for path in (tmp_path / "two").iterdir()) == ["conda-other", "conda-tool"]
    [own] = (tmp_path / "own" / "packages").iterdir()
    assert sorted(path.name.partition("-")[0] for path in own.glob("[!.]*")) == ["other", "tool"]


async def test_package_that_was_damaged_since_the_last_time_is_fetched_again(
    fetching: ChildFragmentMaker, tmp_path: Path
) -> None:
    packages = [a_tool(tmp_path / "channel")]
    whole = await make(fetching, tmp_path / "one", packages)
    lose(next((tmp_path / "lender" / "packages").glob("*/tool-*")))
    assert digests(await make(fetching, tmp_path / "two", packages)) == digests(whole)


@pytest.mark.parametrize("is_lent", [True, False])
async def test_layer_has_the_compiled_modules_of_its_own_package(
    fetching: ChildFragmentMaker, borrowing: ChildFragmentMaker, tmp_path: Path, is_lent: bool
) -> None:
    channel, path = tmp_path / "channel", f"{SITE_PACKAGES}/both.py"
    packages = [
        write_package(channel, "python", {"bin/python3.11": b""}, version="3.11.7"),
        write_package(channel, "one", {path: b"FROM = 'one'\n"}),
        write_package(channel, "two", {path: b"FROM = 'two'\n"}),
    ]
    made = await make(fetching, tmp_path / "one", packages, LAYER)
    if is_lent:
        made = await make(borrowing, tmp_path / "two", packages, LAYER)
    compiled = f"opt/conda/{SITE_PACKAGES}/__pycache__/both.cpython-311.pyc"
    assert [each.package.name.encode() in members(each)[compiled][1] for each in made[1:]] == [True, True]


async def test_packages_whose_links_lead_out_together_are_refused_where_they_are_read(
    fetching: ChildFragmentMaker, borrowing: ChildFragmentMaker, tmp_path: Path
) -> None:
    channel = tmp_path / "channel"
    climbing = write_package(channel, "climbing", {"share/c": b""}, links={"a/b/l": "../../c"})
    shallow = write_package(channel, "shallow", {"share/d": b""}, links={"a": "share"})
    for package in (climbing, shallow):
        await make(fetching, tmp_path / package.name, [package])
    with pytest.raises(StageFailure, match="lead out of the environment"):
        await make(borrowing, tmp_path / "both", [climbing, shallow])
