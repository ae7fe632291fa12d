"""What is written here is read by conda-lock and rattler, and what they write is read here."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from conda_lock.conda_lock import render_lockfile_for_platform
from conda_lock.lockfile import parse_conda_lock_file
from hypothesis import HealthCheck, given, settings
from rattler import LockFile
from rattler.explicit_environment import ExplicitEnvironmentSpec

from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.domain.locks.explicit_reading import read_explicit_list
from conda_store_shared.domain.locks.explicit_writing import write_explicit_list
from conda_store_shared.domain.locks.pixi_reading import read_pixi_lock
from conda_store_shared.domain.locks.pixi_writing import write_pixi_lock
from tests.unit.shared.lock_strategies import lockfiles

FEW = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def with_md5(lockfile: Lockfile) -> Lockfile:
    """Without it conda-lock takes no package of conda; nor does it take two dependencies on one line."""
    rows = [
        {**row, "hash": {"md5": "0" * 32, **row["hash"]}} if row["manager"] == "conda" else row
        for row in lockfile.value["package"]
    ]
    return Lockfile.from_value({**lockfile.value, "package": rows})


def addresses(lockfile: Lockfile, platform: str) -> set[tuple[str, str | None, str | None]]:
    packages = [package for package in lockfile.packages if package.platform == platform]
    return {(package.url, package.md5, package.sha256) for package in packages}


@FEW
@given(lockfiles())
def test_conda_lock_renders_what_was_read_from_a_pixi_lock(tmp_path: Path, lockfile: Lockfile) -> None:
    value = read_pixi_lock(yaml.safe_load(write_pixi_lock(with_md5(lockfile))))
    stored = tmp_path / "conda-lock.yml"
    stored.write_text(Lockfile.from_value(value).to_text())
    for platform in lockfile.platforms:
        rendered = render_lockfile_for_platform(
            lockfile=parse_conda_lock_file(stored),
            include_dev_dependencies=False,
            extras=None,
            kind="explicit",
            platform=platform,
            suppress_warning_for_pip_and_explicit=True,
        )
        own = write_explicit_list(Lockfile.from_value(value), platform).splitlines()
        assert {line for line in rendered if "://" in line} == {line for line in own if "://" in line}
        again = Lockfile.from_value(read_explicit_list("\n".join(rendered)))
        assert {package.url for package in again.packages} == {url for url, _, _ in addresses(lockfile, platform)}


@FEW
@given(lockfiles())
def test_rattler_reads_the_pixi_lock_and_writes_one_that_is_read_here(tmp_path: Path, lockfile: Lockfile) -> None:
    ours, theirs = tmp_path / "pixi.lock", tmp_path / "theirs" / "pixi.lock"
    theirs.parent.mkdir(exist_ok=True)
    ours.write_text(write_pixi_lock(lockfile))
    read = LockFile.from_path(ours)
    read.to_path(theirs)
    value: dict[str, Any] = yaml.safe_load(theirs.read_text())
    assert value["version"] == 7
    again = Lockfile.from_value(read_pixi_lock(value))
    assert set(again.platforms) == set(lockfile.platforms)
    for platform in lockfile.platforms:
        assert addresses(again, platform) == addresses(lockfile, platform)


@FEW
@given(lockfiles())
def test_rattler_reads_the_explicit_lists(lockfile: Lockfile) -> None:
    for platform in lockfile.platforms:
        found = ExplicitEnvironmentSpec.from_str(write_explicit_list(lockfile, platform))
        assert str(found.platform) == platform
        conda = [package for package in lockfile.packages if package.platform == platform]
        wanted = {package.url for package in conda if package.manager == "conda"}
        assert {str(package.url).partition("#")[0] for package in found.packages} == wanted


@pytest.mark.parametrize("written", ["version: 6", "version: 7"])
def test_lock_that_rattler_wrote_has_its_dependencies(written: str, tmp_path: Path) -> None:
    url = "https://c.example/forge/linux-64/a-1.0-h0_0.conda"
    environments = f"{{default: {{channels: [], packages: {{linux-64: [{{conda: '{url}'}}]}}}}}}"
    package = f"{{conda: '{url}', sha256: '{'a' * 64}', depends: [b >=1]}}"
    platforms = "platforms: [{name: linux-64}]\n" if "7" in written else ""
    text = f"{written}\n{platforms}environments: {environments}\npackages: [{package}]\n"
    path = tmp_path / "pixi.lock"
    path.write_text(text)
    LockFile.from_path(path).to_path(path)
    found = Lockfile.from_value(read_pixi_lock(yaml.safe_load(path.read_text())))
    assert found.packages[0].dependencies == {"b": ">=1"}
