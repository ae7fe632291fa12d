"""Locks written in another form and read again are the same, as far as the form can carry them."""

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import yaml
from hypothesis import given, settings

from conda_store_shared.conda.locked_entries import check_entries, without_credentials
from conda_store_shared.domain.lockfile import LockedPackage, Lockfile
from conda_store_shared.domain.locks.explicit_reading import is_explicit_list, read_explicit_list
from conda_store_shared.domain.locks.explicit_writing import write_explicit_list
from conda_store_shared.domain.locks.pixi_reading import is_pixi_lock, read_pixi_lock
from conda_store_shared.domain.locks.pixi_writing import write_pixi_lock
from conda_store_shared.domain.package_address import PackageAddress
from tests.unit.shared.lock_strategies import lockfiles

pytestmark = pytest.mark.slow


def carried(packages: Iterable[LockedPackage], strip: Callable[[LockedPackage], LockedPackage]) -> set[Any]:
    """What has to come back of each package; a build that is not told is that of the file's name."""
    return {
        tuple(str(value) for value in dataclasses.astuple(strip(_with_build(package))))
        for package in packages
    }


def _with_build(package: LockedPackage) -> LockedPackage:
    if package.manager == "pip":
        return package
    return dataclasses.replace(package, build=PackageAddress.parse(package.url).build)


def whole(package: LockedPackage) -> LockedPackage:
    return package


def without_dependencies(package: LockedPackage) -> LockedPackage:
    """A list has no dependencies, and one digest of each package."""
    sha256 = None if package.md5 else package.sha256
    return dataclasses.replace(package, dependencies={}, sha256=sha256)


@settings(max_examples=60)
@given(lockfiles())
def test_pixi_lock_carries_everything_when_it_is_read_again(lockfile: Lockfile) -> None:
    value = yaml.safe_load(write_pixi_lock(lockfile))
    assert is_pixi_lock(value)
    again = Lockfile.from_value(read_pixi_lock(value))
    assert again.platforms == lockfile.platforms
    assert carried(again.packages, whole) == carried(lockfile.packages, whole)
    assert [one["url"] for one in again.value["metadata"]["channels"]] == [
        one["url"] for one in lockfile.value["metadata"]["channels"]
    ]


@settings(max_examples=60)
@given(lockfiles())
def test_explicit_lists_carry_packages_and_digests_when_they_are_read_again(lockfile: Lockfile) -> None:
    for platform in lockfile.platforms:
        text = write_explicit_list(lockfile, platform)
        assert is_explicit_list(text)
        again = Lockfile.from_value(read_explicit_list(text))
        assert again.platforms == (platform,)
        mine = [package for package in lockfile.packages if package.platform == platform]
        assert carried(again.packages, without_dependencies) == carried(mine, without_dependencies)


@settings(max_examples=60)
@given(lockfiles())
def test_lockfile_is_kept_as_it_is_when_it_has_no_credentials(lockfile: Lockfile) -> None:
    check_entries(lockfile, ())
    assert without_credentials(lockfile).value == lockfile.value
    assert Lockfile.from_text(lockfile.to_text()) == lockfile


@settings(max_examples=60)
@given(lockfiles(platforms=1))
def test_pixi_lock_is_the_same_text_when_what_was_read_is_written_again(lockfile: Lockfile) -> None:
    text = write_pixi_lock(Lockfile.from_value(read_pixi_lock(yaml.safe_load(write_pixi_lock(lockfile)))))
    assert write_pixi_lock(Lockfile.from_value(read_pixi_lock(yaml.safe_load(text)))) == text
