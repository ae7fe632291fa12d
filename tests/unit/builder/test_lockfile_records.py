"""Records for rattler from lockfiles of any maker."""

import pytest

from conda_store_shared.conda.lockfile_records import depends_of, record_of, records_of
from conda_store_shared.domain.lockfile import LockedPackage
from conda_store_shared.domain.package_address import PackageAddress
from conda_store_shared.errors import StageFailure

URL = "https://conda.anaconda.org/conda-forge/linux-64/python-dateutil-2.9.0-pyhd8ed1ab_0.conda"


def locked(
    *, name: str = "python-dateutil", url: str = URL, build: str | None = None, needs: dict[str, str] | None = None
) -> LockedPackage:
    return LockedPackage(
        name=name,
        version="2.9.0",
        manager="conda",
        platform="linux-64",
        url=url,
        md5="0" * 32,
        sha256=None,
        build=build,
        dependencies=needs or {},
    )


@pytest.mark.parametrize("ending", [".conda", ".tar.bz2"])
def test_address_tells_name_version_and_build_when_the_name_has_dashes(ending: str) -> None:
    address = PackageAddress.parse(URL.replace(".conda", ending) + "#0123")
    assert (address.name, address.version, address.build) == ("python-dateutil", "2.9.0", "pyhd8ed1ab_0")
    assert (address.channel, address.subdir) == ("https://conda.anaconda.org/conda-forge", "linux-64")


@pytest.mark.parametrize(
    "url",
    ["", "x", "a/b/c-1-0.conda", "https://h/noarch/c-1.conda", "https://h/noarch/c-1-0.zip", "https:///c-1-0.conda"],
)
def test_address_is_refused_when_it_is_no_package(url: str) -> None:
    with pytest.raises(ValueError, match="not the address of a conda package"):
        PackageAddress.parse(url)


def test_record_takes_the_build_from_the_file_name_when_the_lockfile_has_none() -> None:
    assert str(record_of(locked()).build) == "pyhd8ed1ab_0"
    assert str(record_of(locked(build="other_1")).build) == "other_1"


def test_depends_keep_constraints_as_they_are() -> None:
    needs = {"python": ">=3.9,<3.10.0a0", "six": "", "any": "*", "minor": "1.2.*"}
    assert depends_of(locked(needs=needs)) == ["any", "minor 1.2.*", "python >=3.9,<3.10.0a0", "six"]


def test_records_hold_a_package_once_when_the_lockfile_lists_it_per_category() -> None:
    assert len(records_of([locked(), locked()])) == 1


def test_records_are_refused_when_one_name_stands_for_two_packages() -> None:
    with pytest.raises(StageFailure, match="holds package python-dateutil twice") as failure:
        records_of([locked(), locked(url=URL.replace("_0", "_1"))])
    assert failure.value.cause == "invalid_lockfile"


@pytest.mark.parametrize("name", ["a b", "../x", ""])
def test_record_is_refused_when_its_name_is_none(name: str) -> None:
    with pytest.raises(StageFailure) as failure:
        record_of(locked(name=name))
    assert failure.value.cause == "invalid_lockfile"
