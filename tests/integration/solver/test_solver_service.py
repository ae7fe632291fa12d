"""The wired service: messages in, facts out, on a bus in memory and a store on disk."""

import pytest

from conda_store_shared.contracts.events import (
    BuildCanceled,
    LockfileSolved,
    LogWritten,
    SolveRequested,
    StageFailed,
    StageStarted,
)
from conda_store_shared.testing.demo_channel import DemoChannel
from conda_store_shared.testing.demo_channel.server import ChannelServer
from conda_store_shared.testing.tiny_channel import UnfriendlyServer
from tests.integration.solver.solver_at_work import RunningSolver

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_solver_answers_a_request_with_a_lockfile(solver: RunningSolver, server: UnfriendlyServer) -> None:
    build_id = await solver.order("flask", channel=f"{server.url}/open/main")
    [fact] = await solver.hears(LockfileSolved, build_id)
    lockfile = await solver.lockfile(fact)
    assert "flask" in {package.name for package in lockfile.packages}
    [started] = solver.heard(StageStarted, build_id)
    assert (started.stage, started.attempt_id) == ("solve", fact.attempt_id)
    text = "".join(log.lines for log in await solver.hears(LogWritten, build_id))
    assert "solving for linux-64" in text
    assert f"channels: {server.url}/open/main" in text


async def test_solver_answers_alike_when_a_request_comes_twice(solver: RunningSolver, server: UnfriendlyServer) -> None:
    build_id = await solver.order("flask", channel=f"{server.url}/open/main", repeats=2)
    await solver.hears(LockfileSolved, build_id)
    await solver.say(
        SolveRequested(
            build_id=build_id, build_key=f"0a1b2c3d-1767225600-{build_id}-x", order_digest="of no interest any more"
        )
    )
    facts = await solver.hears(LockfileSolved, build_id, count=2)
    assert len({fact.lockfile_digest for fact in facts}) == 1


async def test_solver_reports_failure_when_nothing_fits(solver: RunningSolver, server: UnfriendlyServer) -> None:
    build_id = await solver.order("old", "python=3.12", channel=f"{server.url}/open/main")
    [fact] = await solver.hears(StageFailed, build_id)
    assert (fact.code, fact.transient) == ("unsatisfiable", False)
    assert "python <3.12" in fact.detail
    assert await solver.store.head(f"lockfile/{fact.build_key}.yml") is None


async def test_solver_stops_and_says_nothing_when_the_build_is_canceled(
    solver: RunningSolver, server: UnfriendlyServer
) -> None:
    build_id = await solver.order("flask", channel=f"{server.url}/silent/c")
    await solver.hears(LogWritten, build_id)
    await solver.say(BuildCanceled(build_id=build_id, build_key=f"0a1b2c3d-1767225600-{build_id}-x"))
    after = await solver.order("flask", channel=f"{server.url}/open/main")
    await solver.hears(LockfileSolved, after)
    assert not solver.heard(StageFailed, build_id)
    assert not solver.heard(LockfileSolved, build_id)


async def test_solver_solves_several_requests_at_once(solver: RunningSolver, server: UnfriendlyServer) -> None:
    builds = [await solver.order("flask", channel=f"{server.url}/open/main") for _ in range(6)]
    for build_id in builds:
        assert await solver.hears(LockfileSolved, build_id)


async def test_solver_solves_for_real_packages(
    solver: RunningSolver, demo_channel: DemoChannel, demo_channel_server: ChannelServer
) -> None:
    build_id = await solver.order("python", "numpy", "flask", "ipykernel", channel=demo_channel_server.url)
    [fact] = await solver.hears(LockfileSolved, build_id)
    lockfile = await solver.lockfile(fact)
    versions = {package.name: package.version for package in lockfile.packages}
    assert versions["python"] == demo_channel.python_version
    assert {"numpy", "flask", "ipykernel", "jupyter-client"} <= {name.replace("_", "-") for name in versions}
    assert all(package.md5 and package.sha256 and package.build for package in lockfile.packages)
