"""What an install sees of the shared package cache."""

from pathlib import Path

import pytest

from conda_store_shared.conda.ownership import Ownership, remove_tree
from conda_store_shared.conda.package_cache import PackageCache
from conda_store_shared.conda.package_view import PackageView
from conda_store_shared.domain.lockfile import LockedPackage

NAME = "tool-1.0-h1_0"


def a_package(digest: str = "a" * 64) -> LockedPackage:
    return LockedPackage(
        name="tool",
        version="1.0",
        manager="conda",
        platform="linux-64",
        url=f"https://conda.example/linux-64/{NAME}.conda",
        md5=None,
        sha256=digest,
        build=None,
        dependencies={},
    )


def fetch(view: PackageView, content: str) -> None:
    """Do what rattler and the installer do with a package that is not there."""
    (view.directory / NAME / "info").mkdir(parents=True)
    (view.directory / NAME / "content").write_text(content)
    (view.directory / f"{NAME}.lock").write_text(f"note of {content}")
    PackageCache(root=view.directory, ownership=Ownership()).settle(view.directory / NAME, 100)


def test_package_is_shared_when_it_was_fetched(tmp_path: Path) -> None:
    with PackageView(tmp_path, [a_package()]) as view:
        assert not (view.directory / NAME).exists()
        fetch(view, "first")
        view.share()
    with PackageView(tmp_path, [a_package()]) as again:
        assert (again.directory / NAME / "content").read_text() == "first"
        assert (again.directory / f"{NAME}.lock").read_text() == "note of first"
        assert again.directory == view.directory


def test_package_of_another_channel_takes_the_place_of_one_of_the_same_name(tmp_path: Path) -> None:
    for digest, content in (("a" * 64, "first"), ("b" * 64, "second")):
        with PackageView(tmp_path, [a_package(digest)]) as view:
            assert not (view.directory / NAME).exists()
            fetch(view, content)
            view.share()
    for digest, content in (("a" * 64, "first"), ("b" * 64, "second")):
        with PackageView(tmp_path, [a_package(digest)]) as view:
            assert (view.directory / NAME / "content").read_text() == content
            assert (view.directory / f"{NAME}.lock").read_text() == f"note of {content}"


def test_package_is_fetched_again_when_the_cache_lost_it(tmp_path: Path) -> None:
    with PackageView(tmp_path, [a_package()]) as view:
        fetch(view, "first")
        view.share()
    (place,) = tmp_path.glob(f"{NAME}-*")
    with PackageView(tmp_path, [a_package()]):
        remove_tree(place)
    with PackageView(tmp_path, [a_package()]) as view:
        assert list(view.directory.iterdir()) == []


def test_nothing_is_left_of_a_package_when_the_install_fails(tmp_path: Path) -> None:
    with pytest.raises(FileExistsError), PackageView(tmp_path, [a_package()]) as view:  # noqa: PT012 - all of it is the install
        fetch(view, "half")
        fetch(view, "once more")
    with PackageView(tmp_path, [a_package()]) as view:
        assert list(view.directory.iterdir()) == []
