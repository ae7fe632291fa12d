"""The pip section by uv, on a package index of tiny wheels."""

from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.errors import StageFailure
from conda_store_shared.testing.tiny_channel import UnfriendlyServer

pytestmark = pytest.mark.asyncio(loop_scope="session")
Solve = Callable[..., Coroutine[Any, Any, Lockfile]]


@pytest.fixture
def index(server: UnfriendlyServer) -> str:
    """The option that names the index."""
    return f"--index-url {server.url}/open/simple"


def by_pip(lockfile: Lockfile, platform: str = "linux-64") -> dict[str, str]:
    return {package.name: package.version for package in lockfile.select(platform, "pip")}


async def failure_of(solving: Awaitable[Lockfile]) -> StageFailure:
    with pytest.raises(StageFailure) as failure:
        await solving
    return failure.value


async def test_solver_adds_what_pip_needs_and_conda_lacks(solve: Solve, index: str, server: UnfriendlyServer) -> None:
    lockfile = await solve("python=3.11", "flask", {"pip": [index, "plugin"]})
    assert by_pip(lockfile) == {"greeting": "1.0", "plugin": "1.2", "shout": "0.1"}
    assert "pip" in {package.name for package in lockfile.select("linux-64", "conda")}
    for package in lockfile.select("linux-64", "pip"):
        assert package.url.startswith(f"{server.url}/open/simple/{package.name}/")
        assert (len(package.sha256 or ""), package.md5) == (64, None)


async def test_solver_keeps_pip_packages_with_what_conda_installs(solve: Solve, index: str) -> None:
    failure = await failure_of(solve("python=3.11", "flask=3", {"pip": [index, "flask>=9"]}))
    assert (failure.cause, failure.transient) == ("unsatisfiable", False)
    assert "flask==3.0" in failure.detail


async def test_solver_lets_pip_install_what_conda_does_not(solve: Solve, index: str) -> None:
    assert by_pip(await solve("python=3.11", {"pip": [index, "flask"]})) == {"flask": "9.0"}


async def test_solver_chooses_wheels_for_each_platform(solve: Solve, index: str) -> None:
    platforms = ("linux-64", "osx-arm64")
    lockfile = await solve("python=3.11", {"pip": [index, "native"]}, platforms=platforms)
    names = [lockfile.select(platform, "pip")[0].url.rpartition("/")[2] for platform in platforms]
    assert names == ["native-1.0-cp311-cp311-manylinux_2_17_x86_64.whl", "native-1.0-cp311-cp311-macosx_11_0_arm64.whl"]


async def test_solver_leaves_out_requirements_whose_marker_does_not_hold(solve: Solve, index: str) -> None:
    pip = [index, "shout; sys_platform == 'darwin'", "greeting; python_version < '3.12'"]
    lockfile = await solve("python=3.11", {"pip": pip}, platforms=("linux-64", "osx-arm64"))
    assert by_pip(lockfile) == {"greeting": "1.0"}
    assert by_pip(lockfile, "osx-arm64") == {"greeting": "1.0", "shout": "0.1"}


@pytest.mark.parametrize(("requirement", "platform"), [("from-source", "linux-64"), ("native", "osx-arm64")])
async def test_solver_says_what_to_do_when_there_is_no_wheel(
    solve: Solve, index: str, requirement: str, platform: str
) -> None:
    failure = await failure_of(solve("python=3.12", {"pip": [index, requirement]}, platforms=(platform,)))
    assert (failure.cause, failure.transient) in {("pip_failed", False), ("unsatisfiable", False)}
    assert requirement in failure.detail
    assert "wheel" in failure.detail


async def test_solver_fails_for_good_when_pip_knows_no_such_package(solve: Solve, index: str) -> None:
    failure = await failure_of(solve("python=3.11", {"pip": [index, "no-such-thing"]}))
    assert (failure.cause, failure.transient) == ("unsatisfiable", False)
    assert "no-such-thing" in failure.detail


@pytest.mark.parametrize(("path", "transient"), [("status/503", True), ("secret", False)])
async def test_solver_tells_an_index_that_refuses_from_one_that_is_down(
    solve: Solve, server: UnfriendlyServer, path: str, transient: bool
) -> None:
    address = f"{server.url.replace('http://', 'http://me:hunter2@')}/{path}/simple"
    failure = await failure_of(solve("python=3.11", {"pip": [f"--index-url {address}", "shout"]}))
    assert failure.transient is transient
    assert "hunter2" not in failure.detail


async def test_solver_keeps_credentials_of_an_index_out_of_the_lockfile(solve: Solve, server: UnfriendlyServer) -> None:
    address = f"{server.url.replace('http://', 'http://me:hunter2@')}/open/simple"
    lockfile = await solve("python=3.11", {"pip": [f"--index-url={address}", "shout"]})
    assert by_pip(lockfile) == {"shout": "0.1"}
    assert "hunter2" not in lockfile.to_text()


async def test_solver_takes_its_index_from_the_options_when_the_specification_names_none(
    solve: Solve, server: UnfriendlyServer
) -> None:
    environment = {"UV_DEFAULT_INDEX": f"{server.url}/open/simple"}
    lockfile = await solve("python=3.11", {"pip": ["shout"]}, options={"pip_environment": environment})
    assert by_pip(lockfile) == {"shout": "0.1"}


async def test_solver_does_not_read_this_machine_when_asked_to(solve: Solve, index: str, world: Path) -> None:
    failure = await failure_of(solve("python=3.11", {"pip": [index, f"shout @ file://{world}/simple/shout"]}))
    assert failure.cause == "invalid_specification"
