"""The lockfile next to conda-lock itself: same content hash, same words, and its commands take the file."""

import json
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import yaml
from conda_lock._vendor.conda.models.match_spec import MatchSpec
from conda_lock.content_hash import compute_content_hashes
from conda_lock.lockfile import parse_conda_lock_file
from conda_lock.src_parser import make_lock_spec
from conda_lock.virtual_package import default_virtual_package_repodata
from rattler import LockFile

from conda_store_shared.conda.virtual_packages import DEFAULTS, virtual_packages
from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.domain.platforms import PLATFORMS
from conda_store_shared.domain.specification import Specification
from conda_store_shared.testing.tiny_channel import UnfriendlyServer
from conda_store_solver.adapters.conda_lock_writer import LockSource, lock_content_hashes, name_and_version

pytestmark = pytest.mark.asyncio(loop_scope="session")
Solve = Callable[..., Coroutine[Any, Any, Lockfile]]

SPECIFICATIONS: list[dict[str, Any]] = [
    {"channels": ["forge"], "dependencies": ["python=3.11", "numpy >=1.2,<2", "scipy"]},
    {"channels": ["forge", "https://c.example/other/"], "dependencies": ["python=3.11.*=*_cpython", "NumPy"]},
    {"channels": ["forge", "nodefaults"], "dependencies": ["forge::numpy", "a 1.2.* py*", "b==1", "b[version='>2']"]},
    {"channels": ["forge"], "dependencies": ["python", {"pip": ["flask[async]>=2", "six; sys_platform == 'win32'"]}]},
    {"channels": ["forge"], "dependencies": ["pip=24", "python", {"pip": ["My_Package==1.23", "a>=1,<2", "a!=1.1"]}]},
    {"channels": ["forge"], "dependencies": ["python", {"pip": ["x @ https://h.example/x-1-py3-none-any.whl"]}]},
    {"channels": [], "dependencies": []},
]
DEPENDENCIES = [
    "python",
    "python >=3.11,<3.12.0a0",
    "python_abi 3.11.* *_cp311",
    "__glibc >=2.17,<3.0.a0",
    "libblas 3.9.0 20_openblas",
    "numpy *",
    "numpy 1.26",
    "numpy ==1.26",
    "numpy =1.26",
    "numpy >=1.2|<1",
    "numpy >=1!2.0",
    "numpy !=1.3",
    "numpy ~=1.2",
    "numpy  >=1.2",
    "a.b-c_d >1",
    "_openmp_mutex 4.5 2_gnu",
    "c[version='>=1']",
    "d >=1.2.3dev,<2+local",
    "ld_impl_linux-64 2.40",
]


def a_source(value: dict[str, Any], platforms: tuple[str, ...] = PLATFORMS) -> LockSource:
    specification = Specification.from_value({"name": "x", **value})
    return LockSource(
        specification=specification,
        channels=specification.channels,
        platforms=platforms,
        virtual_packages={platform: virtual_packages(platform, specification.variables) for platform in platforms},
    )


def write_environment(directory: Path, value: dict[str, Any]) -> Path:
    path = directory / "environment.yaml"
    path.write_text(yaml.safe_dump({"name": "x", **value}, sort_keys=False))
    return path


def conda_lock(directory: Path, *arguments: str) -> str:
    """Run the command; return what it wrote."""
    command = [str(Path(sys.executable).parent / "conda-lock"), *arguments]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def name_table(tmp_path: Path) -> str:
    """conda-lock fetches a table of names from the network unless given one."""
    path = tmp_path / "names.json"
    path.write_text("{}")
    return f"file://{path}"


@pytest.mark.parametrize("value", SPECIFICATIONS, ids=[str(number) for number in range(len(SPECIFICATIONS))])
async def test_content_hash_equals_conda_lock_s(value: dict[str, Any], tmp_path: Path, name_table: str) -> None:
    specification = make_lock_spec(
        src_files=[write_environment(tmp_path, value)], platform_overrides=PLATFORMS, mapping_url=name_table
    )
    expected = compute_content_hashes(specification, default_virtual_package_repodata())
    assert lock_content_hashes(a_source(value)) == expected


async def test_content_hash_equals_conda_lock_s_when_another_cuda_is_presumed(tmp_path: Path, name_table: str) -> None:
    value = SPECIFICATIONS[0]
    specification = make_lock_spec(
        src_files=[write_environment(tmp_path, value)], platform_overrides=PLATFORMS, mapping_url=name_table
    )
    expected = compute_content_hashes(specification, default_virtual_package_repodata(cuda_version="12.4"))
    assert lock_content_hashes(a_source(value | {"variables": {"CONDA_OVERRIDE_CUDA": "12.4"}})) == expected


async def test_virtual_packages_are_conda_lock_s_own() -> None:
    repodata = default_virtual_package_repodata().all_repodata
    for platform in PLATFORMS:
        theirs = {
            (package["name"], package["version"], package["build_string"])
            for package in repodata[platform]["packages"].values()
        } - {("__osx", "10.15", "")}
        assert {(one.name, one.version, one.build) for one in virtual_packages(platform)} == theirs
    assert set(DEFAULTS) == set(PLATFORMS)


@pytest.mark.parametrize("text", DEPENDENCIES)
async def test_dependency_is_written_in_conda_s_own_words(text: str) -> None:
    spec = MatchSpec(text)
    assert name_and_version(text) == (spec.name, spec.version.spec_str if spec.version is not None else "")


async def test_dependency_is_written_as_it_is_when_conda_cannot_read_it() -> None:
    assert name_and_version("a >=1,") == ("a", ">=1,")


async def test_conda_lock_takes_the_lockfile(
    solve: Solve, server: UnfriendlyServer, tmp_path: Path, name_table: str
) -> None:
    value = {"channels": [f"{server.url}/open/main"], "dependencies": ["flask", "python >=3.11,<3.12"]}
    platforms = ("linux-64", "osx-arm64")
    lockfile = await solve(*value["dependencies"], specification=value, platforms=platforms)
    path = tmp_path / "conda-lock.yml"
    path.write_text(lockfile.to_text())
    assert len(parse_conda_lock_file(path).package) == 8

    conda_lock(tmp_path, "render", "--kind", "explicit", "--platform", "linux-64", str(path))
    explicit = (tmp_path / "conda-linux-64.lock").read_text().splitlines()
    packages = lockfile.select("linux-64", "conda")
    assert "@EXPLICIT" in explicit
    assert {line for line in explicit if "://" in line} == {f"{one.url}#{one.md5}" for one in packages}

    environment = write_environment(tmp_path, value)
    said = conda_lock(
        tmp_path, "lock", "--check-input-hash", "--lockfile", str(path), "--file", str(environment),
        *("--platform", "linux-64", "--platform", "osx-arm64", "--pypi_to_conda_lookup_file", name_table),
        # It wants a conda before it knows that there is nothing to solve; this one can tell no more than a version.
        *("--conda", sys.executable),
    )  # fmt: skip
    assert "skipping" in said.lower()
    assert json.loads(path.read_text()) == lockfile.value


async def test_rattler_reads_the_lockfile(solve: Solve, tmp_path: Path) -> None:
    path = tmp_path / "conda-lock.yml"
    path.write_text((await solve("flask")).to_text())
    environment = LockFile.from_path(path).default_environment()
    assert environment is not None
    assert sum(1 for packages in environment.packages_by_platform().values() for _ in packages) == 4


async def test_lockfile_is_the_same_text_when_solved_again(solve: Solve) -> None:
    assert (await solve("flask")).to_text() == (await solve("flask")).to_text()
