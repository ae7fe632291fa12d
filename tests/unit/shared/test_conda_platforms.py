"""Platforms and what they provide by themselves."""

import pytest

from conda_store_shared.conda.platforms import check_platforms, current_platform
from conda_store_shared.conda.virtual_packages import VirtualPackage, virtual_packages
from conda_store_shared.domain.platforms import PLATFORMS
from conda_store_shared.errors import InvalidSpecification


def test_platforms_are_given_once_each_without_noarch() -> None:
    assert check_platforms(("osx-arm64", "noarch", "linux-64", "osx-arm64")) == ("osx-arm64", "linux-64")


@pytest.mark.parametrize("platforms", [(), ("noarch",), ("linux-65",)])
def test_platforms_are_refused_when_none_is_left_or_one_is_unknown(platforms: tuple[str, ...]) -> None:
    with pytest.raises(InvalidSpecification, match="linux-64"):
        check_platforms(platforms)


def test_current_platform_is_one_we_know() -> None:
    assert current_platform() in PLATFORMS


def test_virtual_packages_are_the_defaults_when_nothing_is_asked() -> None:
    found = {one.name: one for one in virtual_packages("linux-64")}
    assert found["__archspec"] == VirtualPackage(name="__archspec", version="1", build="x86_64")
    assert (found["__glibc"].version, found["__cuda"].version) == ("2.28", "11.4")


def test_virtual_packages_follow_the_cuda_variable_when_the_platform_has_cuda() -> None:
    variables = {"CONDA_OVERRIDE_CUDA": 12}
    assert VirtualPackage(name="__cuda", version="12") in virtual_packages("linux-64", variables)
    assert "__cuda" not in {one.name for one in virtual_packages("osx-arm64", variables)}


def test_virtual_packages_lack_cuda_when_the_variable_is_empty() -> None:
    assert "__cuda" not in {one.name for one in virtual_packages("linux-64", {"CONDA_OVERRIDE_CUDA": ""})}


def test_virtual_packages_of_the_order_stand_above_everything() -> None:
    found = virtual_packages("osx-64", {"CONDA_OVERRIDE_CUDA": "1"}, {"__osx": "13.3", "__unix": "", "__cuda": "9"})
    assert {one.name: one.version for one in found} == {"__archspec": "1", "__osx": "13.3", "__cuda": "9"}
