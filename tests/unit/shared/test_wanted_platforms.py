"""Platforms and virtual packages in a specification."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_store_shared.compat.specification import CondaSpecification
from conda_store_shared.domain.platforms import PLATFORMS
from conda_store_shared.domain.specification import Specification
from conda_store_shared.domain.wanted_platforms import provided_by
from conda_store_shared.errors import InvalidSpecification

NAMES = st.sampled_from(["__glibc", "__cuda", "__osx", "__archspec", "__linux", "__unix", "__own"])
VERSIONS = st.one_of(st.none(), st.integers(0, 99), st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){0,2}", fullmatch=True))


def read(**fields: Any) -> Specification:
    return Specification.from_value({"name": "weather", **fields})


def test_specification_keeps_its_stored_form_and_digest_when_it_says_nothing_of_platforms() -> None:
    assert list(read().to_value()) == ["channels", "dependencies", "description", "name", "prefix", "variables"]
    assert read(platforms=[], virtual_packages={}).sha256 == read().sha256


def test_specification_has_platforms_once_each_and_without_noarch() -> None:
    assert read(platforms=["osx-arm64", "noarch", "linux-64", "osx-arm64"]).platforms == ("osx-arm64", "linux-64")


def test_virtual_package_for_all_holds_where_it_can_be_when_no_platform_says_otherwise() -> None:
    given = read(
        virtual_packages={
            "__glibc": "2.17",
            "__cuda": 12,
            "__osx": "13.0",
            "linux-aarch64": {"__cuda": None, "__archspec": "neoverse_v1"},
        }
    ).virtual_packages
    assert provided_by("linux-64", given) == {"__glibc": "2.17", "__cuda": "12"}
    assert provided_by("linux-aarch64", given) == {"__glibc": "2.17", "__cuda": "", "__archspec": "1 neoverse_v1"}
    assert provided_by("osx-arm64", given) == {"__osx": "13.0"}
    assert provided_by("win-64", given) == {"__cuda": "12"}


@pytest.mark.parametrize("key", ["system-requirements", "system_requirements"])
def test_system_requirements_are_virtual_packages_when_written_as_pixi_does(key: str) -> None:
    needs = {"linux": "5.10", "cuda": "12", "macos": "13.0", "libc": {"family": "glibc", "version": "2.28"}}
    assert read(**{key: needs}).to_value()["virtual_packages"] == {
        "__linux": "5.10",
        "__cuda": "12",
        "__osx": "13.0",
        "__glibc": "2.28",
    }
    assert read(**{key: {"libc": "2.17"}}).virtual_packages == {"__glibc": "2.17"}


def test_virtual_packages_win_when_system_requirements_say_something_else() -> None:
    specification = read(**{"system-requirements": {"cuda": "11"}, "virtual_packages": {"__cuda": "12"}})
    assert specification.virtual_packages == {"__cuda": "12"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"platforms": "linux-64"}, "Input should be a valid list (type=list_type, loc=('platforms',))"),
        ({"platforms": ["linux-64", "vax"]}, "Platform 'vax' is not known; known are linux-64"),
        ({"platforms": ["linux-64", 3]}, "Input should be a valid string (type=string_type, loc=('platforms', 1))"),
        ({"virtual_packages": ["__cuda"]}, "loc=('virtual_packages',)"),
        ({"virtual_packages": {"cuda": "12"}}, "'cuda' is neither a virtual package, such as __glibc, nor a platform"),
        ({"virtual_packages": {3: "12"}}, "3 is neither a virtual package"),
        ({"virtual_packages": {"__cuda": "twelve"}}, "'twelve' is no version of __cuda"),
        ({"virtual_packages": {"__cuda": 12.1}}, "Write the version of __cuda in quotes"),
        ({"virtual_packages": {"__cuda": True}}, "Input should be a valid string"),
        ({"virtual_packages": {"linux-64": "2.17"}}, "loc=('virtual_packages', 'linux-64')"),
        ({"virtual_packages": {"linux-64": {"glibc": "2.17"}}}, "loc=('virtual_packages', 'linux-64')"),
        ({"virtual_packages": {"linux-64": {"__glibc": "x"}}}, "loc=('virtual_packages', 'linux-64', '__glibc')"),
        ({"system-requirements": {"windows": "11"}}, "System requirement 'windows' is not known"),
        ({"system-requirements": {"libc": {"family": "../x", "version": "1"}}}, "Family of libc '../x' is not known"),
        ({"system-requirements": {"linux": 5.1}}, "Write the version of __linux in quotes"),
    ],
)
def test_refusal_names_the_place(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidSpecification) as raised:
        read(**fields)
    assert message in raised.value.message


@pytest.mark.slow
@given(
    st.lists(st.sampled_from(PLATFORMS), max_size=4),
    st.dictionaries(NAMES, VERSIONS, max_size=3),
    st.dictionaries(st.sampled_from(PLATFORMS), st.dictionaries(NAMES, VERSIONS, max_size=3), max_size=2),
)
def test_stored_form_is_read_as_what_was_stored(
    platforms: list[str], everywhere: dict[str, Any], apart: dict[str, Any]
) -> None:
    specification = read(platforms=platforms, virtual_packages={**everywhere, **apart})
    stored = json.loads(json.dumps(specification.to_value()))
    assert Specification.from_value(stored) == specification
    assert CondaSpecification.from_value(stored).to_value() == specification.to_value()


@pytest.mark.parametrize("version", ["1 2 3", "twelve", "12.", ">=12", "12; rm"])
def test_cuda_variable_is_refused_when_it_is_no_version(version: str) -> None:
    with pytest.raises(InvalidSpecification) as raised:
        read(variables={"CONDA_OVERRIDE_CUDA": version})
    told = f"{version!r} is no version of CUDA; write one such as 12.4, or nothing for none"
    assert str(raised.value) == f"{told} (type=value_error, loc=('variables', 'CONDA_OVERRIDE_CUDA'))"


@pytest.mark.parametrize("version", ["", " ", "12.4", 12, "11.8 0"])
def test_cuda_variable_is_taken_when_it_is_a_version_or_says_that_there_is_none(version: str | int) -> None:
    assert read(variables={"CONDA_OVERRIDE_CUDA": version}).variables == {"CONDA_OVERRIDE_CUDA": version}
