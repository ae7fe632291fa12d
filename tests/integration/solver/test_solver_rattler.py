"""Solving for conda packages in a child: what is found, and every reason why nothing is."""

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from conda_store_shared.child import processes
from conda_store_shared.child.pool import ChildPool
from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.errors import StageFailure
from conda_store_shared.testing.private_server import PrivateServer, write_certificate
from conda_store_shared.testing.tiny_channel import TinyPackage, UnfriendlyServer, write_tiny_channel

pytestmark = pytest.mark.asyncio(loop_scope="session")
Solve = Callable[..., Coroutine[Any, Any, Lockfile]]
CUDA = "CONDA_OVERRIDE_CUDA"


class Listener:
    """Keeps what a solve says."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.steps: list[tuple[int, int, str]] = []
        self.heard = asyncio.Event()

    def log(self, text: str) -> None:
        self.lines += text.splitlines()
        self.heard.set()

    def progress(self, done: int, total: int, unit: str) -> None:
        self.steps.append((done, total, unit))


def found(lockfile: Lockfile, platform: str = "linux-64") -> dict[str, str]:
    return {package.name: package.version for package in lockfile.select(platform, "conda")}


def read_name(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


async def failure_of(solving: Awaitable[Lockfile]) -> StageFailure:
    with pytest.raises(StageFailure) as failure:
        await solving
    return failure.value


async def test_solver_finds_the_newest_packages_that_go_together(solve: Solve, server: UnfriendlyServer) -> None:
    lockfile = await solve("flask")
    assert found(lockfile) == {"click": "8.1", "flask": "3.0", "python": "3.12.1", "werkzeug": "3.0"}
    flask = lockfile.select("linux-64", "conda")[1]
    assert flask.url == f"{server.url}/open/main/noarch/flask-3.0-0.tar.bz2"
    assert (flask.build, len(flask.md5 or ""), len(flask.sha256 or "")) == ("0", 32, 64)


async def test_solver_solves_for_several_platforms_at_once(solve: Solve) -> None:
    listener = Listener()
    lockfile = await solve("flask", "old", platforms=("linux-64", "osx-arm64", "noarch"), report=listener)
    assert lockfile.platforms == ("linux-64", "osx-arm64")
    assert found(lockfile) == found(lockfile, "osx-arm64")
    assert found(lockfile)["python"] == "3.11.7"
    assert listener.steps[0] == (0, 2, "platforms")
    assert listener.steps[-1] == (2, 2, "platforms")


async def test_solver_tells_people_what_it_does(solve: Solve, server: UnfriendlyServer) -> None:
    listener = Listener()
    await solve("click", report=listener)
    assert listener.lines[:2] == ["solving for linux-64", f"channels: {server.url}/open/main"]
    assert listener.lines[2] == "linux-64: 2 conda packages"
    assert listener.lines[3].startswith("solved in ")


async def test_solver_gives_the_whole_explanation_when_nothing_fits(solve: Solve) -> None:
    failure = await failure_of(solve("old", "python=3.12"))
    assert (failure.cause, failure.transient) == ("unsatisfiable", False)
    assert "old" in failure.detail
    assert "python <3.12" in failure.detail
    assert "python 3.11.7, which conflicts with" in failure.detail
    assert "\n" in failure.detail


async def test_solver_explains_for_each_platform_that_cannot_be_solved(solve: Solve) -> None:
    failure = await failure_of(solve("mac-only", platforms=("linux-64", "osx-arm64")))
    assert failure.detail.startswith("linux-64: ")
    assert "mac-only" in failure.detail
    assert "osx-arm64: " not in failure.detail


async def test_solver_takes_a_package_from_the_first_channel_that_has_it(
    solve: Solve, server: UnfriendlyServer
) -> None:
    channels = (f"{server.url}/open/main", f"{server.url}/open/extra")
    assert found(await solve("flask", "only-extra", channels=channels))["flask"] == "3.0"
    assert found(await solve("flask", channels=channels[::-1]))["flask"] == "4.0"
    assert (await failure_of(solve("flask=4", channels=channels))).cause == "unsatisfiable"


async def test_solver_heeds_the_order_of_channels_as_far_as_it_is_told(solve: Solve, server: UnfriendlyServer) -> None:
    channels = (f"{server.url}/open/main", f"{server.url}/open/extra")
    disabled = {"channels": channels, "channel_priority": "disabled"}
    flexible = {"channels": channels, "channel_priority": "flexible"}
    assert found(await solve("flask", **disabled))["flask"] == "4.0"
    assert found(await solve("flask", **flexible))["flask"] == "3.0"
    assert found(await solve("flask=4", **flexible))["flask"] == "4.0"
    assert found(await solve("main::flask", **disabled))["flask"] == "3.0"
    assert (await failure_of(solve("flask=5", **flexible))).cause == "unsatisfiable"


async def test_solver_follows_a_channel_named_in_a_match_spec(solve: Solve, server: UnfriendlyServer) -> None:
    channels = (f"{server.url}/open/extra", f"{server.url}/open/main")
    assert found(await solve("main::flask", channels=channels))["flask"] == "3.0"
    assert found(await solve(f"{channels[1]}::flask>=2", channels=channels))["flask"] == "3.0"
    failure = await failure_of(solve("elsewhere::flask", channels=channels))
    assert failure.cause == "invalid_specification"
    assert "elsewhere" in failure.detail


async def test_solver_finds_nothing_when_nothing_is_asked(solve: Solve) -> None:
    assert found(await solve()) == {}


async def test_solver_presumes_the_cuda_the_specification_asks_for(solve: Solve) -> None:
    assert (await failure_of(solve("gpu"))).cause == "unsatisfiable"
    assert found(await solve("gpu", specification={"variables": {"CONDA_OVERRIDE_CUDA": "12.4"}}))
    assert found(await solve("gpu", virtual_packages={"linux-64": {"__cuda": "13"}}))


async def test_solver_presumes_what_each_platform_of_an_order_has(solve: Solve) -> None:
    cuda = {"platforms": ("linux-64", "osx-arm64"), "virtual_packages": {"linux-64": {"__cuda": "12.4"}}}
    failure = await failure_of(solve("gpu", **cuda))
    assert "osx-arm64" in failure.detail
    assert "linux-64" not in failure.detail
    old = {"platforms": ("linux-64", "osx-arm64"), "virtual_packages": {"linux-64": {"__glibc": "2.12"}}}
    assert "__glibc" in (await failure_of(solve("flask", **old))).detail
    none = {"virtual_packages": {"linux-64": {"__cuda": ""}}, "specification": {"variables": {CUDA: "12.4"}}}
    assert (await failure_of(solve("gpu", **none))).cause == "unsatisfiable"


async def test_lock_s_content_hash_tells_what_was_presumed_of_each_platform(solve: Solve) -> None:
    both: dict[str, Any] = {"platforms": ("linux-64", "osx-arm64")}
    plain = (await solve("click", **both)).value["metadata"]["content_hash"]
    given = await solve("click", **both, virtual_packages={"linux-64": {"__cuda": "12.4"}})
    hashes = given.value["metadata"]["content_hash"]
    assert set(hashes) == set(plain) == {"linux-64", "osx-arm64"}
    assert hashes["linux-64"] != plain["linux-64"]
    assert hashes["osx-arm64"] == plain["osx-arm64"]


async def test_solver_sees_new_packages_when_repodata_has_aged(
    solve: Solve, server: UnfriendlyServer, world: Path
) -> None:
    channel = (f"{server.url}/open/growing",)
    await asyncio.to_thread(write_tiny_channel, world / "growing", [TinyPackage(name="a", version="1")])
    assert found(await solve("a", channels=channel, options={"repodata_max_age": 0.0})) == {"a": "1"}
    # The server tells times by the second; what changed within one cannot be told from what did not.
    await asyncio.sleep(1.1)
    await asyncio.to_thread(write_tiny_channel, world / "growing", [TinyPackage(name="a", version="2")])
    assert found(await solve("a", channels=channel, options={"repodata_max_age": 0.0})) == {"a": "2"}


@pytest.mark.parametrize("channel", ["main", "unsharded"])
async def test_solver_goes_on_when_a_server_s_304_lacks_validators(
    solve: Solve, server: UnfriendlyServer, channel: str
) -> None:
    for _ in range(3):
        address = f"{server.url}/open/{channel}"
        assert found(await solve("click", channels=(address,), options={"repodata_max_age": 0.0}))


async def test_solver_names_the_channel_when_it_is_mistyped(solve: Solve, server: UnfriendlyServer) -> None:
    channels = (f"{server.url}/open/main", f"{server.url}/open/mian")
    failure = await failure_of(solve("flask", channels=channels))
    assert (failure.cause, failure.transient) == ("channel_not_found", False)
    assert f"channel {server.url}/open/mian " in failure.detail
    assert "open/main" not in failure.detail


@pytest.mark.parametrize(
    ("status", "cause", "transient"),
    [
        (401, "channel_forbidden", False),
        (403, "channel_forbidden", False),
        (404, "channel_not_found", False),
        (500, "channel_unreachable", True),
        (503, "channel_unreachable", True),
    ],
)
async def test_solver_names_the_channel_when_the_server_answers_with_an_error(
    solve: Solve, server: UnfriendlyServer, status: int, cause: str, transient: bool
) -> None:
    channels = (f"{server.url}/open/main", f"{server.url}/status/{status}/c")
    failure = await failure_of(solve("flask", channels=channels))
    assert (failure.cause, failure.transient) == (cause, transient)
    assert f"channel {channels[1]} " in failure.detail


async def test_solver_names_the_channel_when_nobody_answers(solve: Solve) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        channel = f"http://127.0.0.1:{unused.getsockname()[1]}/c"
        failure = await failure_of(solve("flask", channels=(channel,)))
    assert (failure.cause, failure.transient) == ("channel_unreachable", True)
    assert f"channel {channel} cannot be read" in failure.detail


async def test_solver_names_the_channel_when_it_keeps_silent(solve: Solve, server: UnfriendlyServer) -> None:
    channel = f"{server.url}/silent/c"
    failure = await failure_of(solve("flask", channels=(channel,), deadline=4.0))
    assert (failure.cause, failure.transient) == ("channel_unreachable", True)
    assert f"channel {channel} " in failure.detail


async def test_solver_is_stopped_at_its_deadline(solve: Solve, server: UnfriendlyServer) -> None:
    began = time.monotonic()
    failure = await failure_of(solve("flask", {"pip": [f"--index-url {server.url}/silent", "x"]}, deadline=2.0))
    assert failure.cause == "timeout"
    assert time.monotonic() - began < 8
    names = [read_name(pid) for pid in processes.descendants(os.getpid())]
    assert "uv" not in names


async def test_solver_sends_credentials_and_keeps_them_to_itself(solve: Solve, server: UnfriendlyServer) -> None:
    channel = f"{server.url}/secret/main"
    failure = await failure_of(solve("click", channels=(channel,)))
    assert failure.cause == "channel_forbidden"
    assert "it was shown no credential; if it needs one, name one" in failure.detail
    listener = Listener()
    credentials = {
        "right": {"address": f"{server.url}/secret", "authorization": server.authorization},
        "wrong": {"address": f"{server.url}/sec", "bearer": "wrong"},
    }
    options: dict[str, Any] = {"channel_credentials": credentials}
    lockfile = await solve("click", channels=(channel,), options=options, report=listener)
    assert found(lockfile)
    assert "sesame" not in lockfile.to_text() + "".join(listener.lines)


async def test_solver_writes_no_credentials_of_an_address_into_lock_or_log(
    solve: Solve, server: UnfriendlyServer
) -> None:
    address = server.url.replace("http://", "http://me:hunter2@") + "/open/main"
    listener = Listener()
    specification = {"channels": [address]}
    lockfile = await solve("click", channels=(address,), specification=specification, report=listener)
    assert lockfile.select("linux-64", "conda")[0].url.startswith(f"{server.url}/open/main/")
    assert "hunter2" not in lockfile.to_text() + "".join(listener.lines)
    failure = await failure_of(solve("click", channels=(address.replace("/open/", "/status/500/"),)))
    assert "hunter2" not in failure.detail


async def test_solver_refuses_a_package_outside_the_allowed_channels(solve: Solve, server: UnfriendlyServer) -> None:
    assert found(await solve("click", allowed_channels=(f"{server.url}/open/main",)))
    failure = await failure_of(solve("click", allowed_channels=(f"{server.url}/open/extra",)))
    assert failure.cause == "channel_not_allowed"


@pytest.mark.parametrize(
    ("dependencies", "changes", "words"),
    [
        (["flask==3.0,"], {}, "Invalid conda package dependency specification flask==3.0,"),
        (["flask"], {"platforms": ("linux-65",)}, "platform 'linux-65' is not known"),
        (["flask"], {"channels": ()}, "no channels"),
        ([{"pip": ["-r /etc/passwd"]}], {}, "Invalid pip option"),
    ],
)
async def test_solver_refuses_a_specification_it_cannot_read(
    solve: Solve, dependencies: list[Any], changes: dict[str, Any], words: str
) -> None:
    failure = await failure_of(solve(*dependencies, **changes))
    assert (failure.cause, failure.transient) == ("invalid_specification", False)
    assert words in failure.detail


async def test_solver_solves_again_when_its_child_was_killed_in_mid_solve(
    solve: Solve, server: UnfriendlyServer, pool: ChildPool
) -> None:
    listener = Listener()
    silent = (f"{server.url}/silent/c",)
    killed = asyncio.create_task(failure_of(solve("flask", channels=silent, report=listener)))
    await asyncio.wait_for(listener.heard.wait(), 10)
    [busy] = pool.stats().busy
    os.kill(busy, signal.SIGKILL)
    failure = await killed
    assert (failure.cause, failure.transient) == ("worker_lost", True)
    assert found(await solve("flask"))["flask"] == "3.0"
    assert busy not in pool.stats().idle


async def test_solver_leaves_nothing_running_when_it_is_canceled(
    solve: Solve, server: UnfriendlyServer, pool: ChildPool
) -> None:
    listener = Listener()
    solving = asyncio.create_task(solve("flask", channels=(f"{server.url}/silent/c",), report=listener))
    await asyncio.wait_for(listener.heard.wait(), 10)
    [busy] = pool.stats().busy
    solving.cancel()
    began = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await solving
    assert time.monotonic() - began < 5
    assert not processes.is_alive(busy)


@pytest.mark.parametrize("manner", ["open", "token"])
async def test_solver_says_what_to_do_when_a_certificate_is_not_trusted(
    solve: Solve, world: Path, tmp_path: Path, manner: str
) -> None:
    with PrivateServer(world, certificate=write_certificate(tmp_path / "certificate.pem")) as server:
        channel, options = f"{server.url}/{manner}/main", {"channel_credentials": server.credentials()}
        failure = await failure_of(solve("click", channels=(channel,), options=options))
    assert (failure.cause, failure.transient) == ("channel_unreachable", False)
    assert f"channel {channel} has a certificate that is not trusted; have SSL_CERT_FILE name" in failure.detail
