"""environment.yml as conda would export it."""

from typing import Any

import pytest
import yaml
from hypothesis import given, settings

from conda_store_artifacts.domain.exported_environment import export_environment, export_lock
from conda_store_shared.conda.match_spec import check_dependencies
from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.domain.order import Order
from conda_store_shared.domain.package_address import PackageAddress
from conda_store_shared.domain.prefix_record import InstalledPackage, PrefixRecord
from conda_store_shared.domain.specification import Specification
from tests.unit.artifacts.artifact_builders import a_lockfile, a_package, an_order
from tests.unit.shared.lock_strategies import lockfiles


def export(*packages: InstalledPackage, order: Order | None = None, lockfile: Lockfile | None = None) -> dict[str, Any]:
    record = PrefixRecord(path="/store/weather", apparent_bytes=0, unique_bytes=0, packages=packages)
    value: dict[str, Any] = yaml.safe_load(export_environment(order or an_order(), lockfile or a_lockfile(), record))
    return value


def test_export_pins_every_package_by_version_and_build() -> None:
    value = export(a_package("zlib", "1.3", "h7_1"), a_package("python", "3.11.7", "h1_0_cpython"))
    assert list(value) == ["name", "channels", "dependencies"]
    assert value["name"] == "weather"
    assert value["dependencies"] == ["python=3.11.7=h1_0_cpython", "zlib=1.3=h7_1"]


def test_export_has_a_pip_section_when_pip_installed_something() -> None:
    value = export(a_package("python"), lockfile=a_lockfile(("requests", "2.32"), ("attrs", "26.1")))
    assert value["dependencies"][-1] == {"pip": ["attrs==26.1", "requests==2.32"]}


def test_export_leaves_out_pip_packages_of_other_platforms() -> None:
    value = export(a_package("python"), lockfile=a_lockfile(("requests", "2.32"), platform="osx-arm64"))
    assert value["dependencies"] == ["python=1.0=h1_0"]


def test_export_names_channels_as_users_write_them() -> None:
    order = an_order(channels=("https://conda.anaconda.org/conda-forge/", "https://conda.example.org/own/"))
    assert export(order=order)["channels"] == ["conda-forge", "https://conda.example.org/own"]


def test_export_keeps_variables() -> None:
    order = an_order(specification={"variables": {"REGION": "north", "LEVEL": 3}})
    assert export(order=order)["variables"] == {"REGION": "north", "LEVEL": 3}


def test_export_keeps_platforms_and_virtual_packages() -> None:
    given = {"platforms": ["linux-64", "osx-arm64"], "virtual_packages": {"__cuda": "12.4"}}
    value = export(order=an_order(specification=given))
    assert {key: value[key] for key in given} == given


@pytest.mark.slow
@settings(max_examples=50)
@given(lockfiles())
def test_export_of_a_lock_is_a_specification_of_what_is_locked(lockfile: Lockfile) -> None:
    for platform in lockfile.platforms:
        value = yaml.safe_load(export_lock(an_order(channels=()), lockfile, platform))
        specification = Specification.from_value(value)
        check_dependencies(specification)
        conda, pip = (lockfile.select(platform, manager) for manager in ("conda", "pip"))
        assert sorted(specification.dependencies) == sorted(
            f"{one.name}={one.version}={PackageAddress.parse(one.url).build}" for one in conda
        )
        assert sorted(specification.pip) == sorted(f"{one.name}=={one.version}" for one in pip)
        assert len(specification.channels) == len(lockfile.channels)
