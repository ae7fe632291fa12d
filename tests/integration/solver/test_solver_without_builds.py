"""What the wired service does for no build: solves that somebody waits for, lists of channels."""

from pathlib import Path

import pytest

from conda_store_shared.contracts.events import ChannelIndexed, IndexRequested, SolveAnswered, SolveCanceled
from conda_store_shared.domain.canonical import sha256_hex
from conda_store_shared.domain.solved_packages import read_packages
from conda_store_shared.domain.storage_keys import channel_index_key, solve_answer_key, solve_order_key
from conda_store_shared.storage.channel_lists import read_list_contents
from conda_store_shared.testing.tiny_channel import UnfriendlyServer
from tests.integration.solver.solver_at_work import RunningSolver, running_solver

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_solver_answers_who_waits_with_packages(solver: RunningSolver, server: UnfriendlyServer) -> None:
    channel = f"{server.url}/open/main"
    await solver.ask("first", "flask=3", channel=channel, repeats=2)
    answered = (await solver.hears_that(SolveAnswered, solve_id="first"))[0]
    content = await solver.store.get(solve_answer_key("first"), 2**24)
    assert sha256_hex(content) == answered.answer_digest
    packages = {package.name: package for package in read_packages(content)}
    assert packages.keys() == {"flask", "werkzeug", "click", "python"}
    flask = packages["flask"]
    assert (flask.channel, flask.subdir, flask.version, flask.build) == (channel, "noarch", "3.0", "0")
    assert flask.depends == ("python >=3.11", "werkzeug >=3,<4", "click")
    assert flask.size > 0
    assert (len(flask.md5), len(flask.sha256)) == (32, 64)
    assert flask.timestamp == 1_767_225_600_000


async def test_solver_tells_who_waits_why_there_is_no_solution(solver: RunningSolver, server: UnfriendlyServer) -> None:
    await solver.ask("unsatisfiable", "old", "python=3.12", channel=f"{server.url}/open/main")
    await solver.ask("mistyped", "flask", channel=f"{server.url}/open/nain")
    (unsatisfiable,) = await solver.hears_that(SolveAnswered, solve_id="unsatisfiable")
    assert (unsatisfiable.code, unsatisfiable.transient, unsatisfiable.answer_digest) == ("unsatisfiable", False, "")
    assert "python <3.12" in unsatisfiable.detail
    (mistyped,) = await solver.hears_that(SolveAnswered, solve_id="mistyped")
    assert mistyped.code == "channel_not_found"
    assert "/open/nain" in mistyped.detail


async def test_solver_says_nothing_when_nobody_waits_any_more(solver: RunningSolver, server: UnfriendlyServer) -> None:
    await solver.ask("left", "flask", channel=f"{server.url}/silent/c", repeats=2)
    await solver.say(SolveCanceled(solve_id="left"))
    await solver.store.delete(solve_order_key("left"))
    # Whichever of the two came first: this one gets a child.
    await solver.ask("after", "flask", channel=f"{server.url}/open/main")
    assert await solver.hears_that(SolveAnswered, solve_id="after")
    assert not [fact for fact in solver.facts if getattr(fact, "solve_id", None) == "left"]


async def test_solver_lists_a_channel_and_says_so_again_when_asked_again(
    solver: RunningSolver, server: UnfriendlyServer
) -> None:
    channel = f"{server.url}/open/main"
    await solver.say(IndexRequested(channel=channel, subdir="noarch"))
    (first,) = await solver.hears_that(ChannelIndexed, channel=channel)
    contents = await read_list_contents(solver.store, channel, "noarch")
    assert contents.digest == first.index_digest
    stored = await solver.store.head(channel_index_key(channel, "noarch"))
    await solver.say(IndexRequested(channel=channel, subdir="noarch"))
    facts = await solver.hears_that(ChannelIndexed, count=2, channel=channel)
    assert len({fact.index_digest for fact in facts}) == 1
    # What is there already is not put again.
    assert await solver.store.head(channel_index_key(channel, "noarch")) == stored


async def test_solver_lists_a_channel_again_when_the_bucket_was_emptied(
    solver: RunningSolver, server: UnfriendlyServer
) -> None:
    channel = f"{server.url}/open/extra"
    for count in (1, 2):
        await solver.say(IndexRequested(channel=channel, subdir="noarch"))
        facts = await solver.hears_that(ChannelIndexed, count=count, channel=channel)
        assert (await read_list_contents(solver.store, channel, "noarch")).digest == facts[0].index_digest
        await solver.store.delete(channel_index_key(channel, "noarch"))


async def test_solver_goes_on_with_other_channels_when_one_cannot_be_read(
    server: UnfriendlyServer, tmp_path: Path
) -> None:
    wrong = [f"{server.url}/open/nain", f"{server.url}/silent/c"]
    good = f"{server.url}/open/main"
    async with running_solver(tmp_path, index_deadline=3.0) as solver:
        for channel in (*wrong, good):
            await solver.say(IndexRequested(channel=channel, subdir="noarch"))
        await solver.hears_that(ChannelIndexed, channel=good)
        assert {fact.channel for fact in solver.facts if isinstance(fact, ChannelIndexed)} == {good}
