"""Attempts at a stage: begun, silent, interrupted, failed (design §3.6, §3.7)."""

from datetime import timedelta

import pytest

from conda_store_shared.contracts import events
from conda_store_shared.domain.stage import PREFIX, SOLVE
from tests.unit.api.ledger_builders import Attempt, Ledger, of_type


async def test_build_is_building_when_its_solve_begins(ledger: Ledger) -> None:
    build = await ledger.released()
    await ledger.apply(Attempt(build, SOLVE).started())
    row = await ledger.build(build.id)
    assert (row.status, row.rank, row.started_on) == ("BUILDING", 1, ledger.now)
    assert (await ledger.events(build))[-1] == "build.started"


async def test_build_is_building_when_progress_is_the_first_word_heard(ledger: Ledger) -> None:
    build = await ledger.released()
    await ledger.apply(Attempt(build, SOLVE).progress(3, 7, "repodata"))
    stage = (await ledger.stages(build))[SOLVE]
    assert (stage.state, stage.done, stage.total, stage.unit) == ("running", 3, 7, "repodata")
    assert (await ledger.build(build.id)).status == "BUILDING"


async def test_progress_of_an_older_attempt_is_dropped_when_a_newer_one_runs(ledger: Ledger) -> None:
    build = await ledger.released()
    old, new = Attempt(build, SOLVE), Attempt(build, SOLVE, ledger.now + timedelta(seconds=5))
    await ledger.apply(old.started(), new.progress(5), old.progress(2))
    assert (await ledger.stages(build))[SOLVE].done == 5


async def test_build_fails_when_three_attempts_ended_without_a_word(ledger: Ledger) -> None:
    build = await ledger.released()
    for number in range(4):
        assert (await ledger.build(build.id)).status != "FAILED"
        await ledger.apply(Attempt(build, SOLVE, ledger.now + timedelta(seconds=number)).started())
    row = await ledger.build(build.id)
    assert row.status == "FAILED"
    assert row.status_info == "worker_lost: three attempts at stage solve were started and ended without a word"
    # The fourth attempt, which has just begun, is told to stop.
    assert of_type(await ledger.take(), events.BuildCanceled)


async def test_build_tells_the_last_known_cause_when_its_workers_died(ledger: Ledger) -> None:
    build = await ledger.released()
    for number in range(3):
        attempt = Attempt(build, SOLVE, ledger.now + timedelta(seconds=number))
        await ledger.apply(attempt.started(), attempt.failed("worker_lost", "the child was killed", transient=True))
    row = await ledger.build(build.id)
    assert row.status == "FAILED"
    assert row.status_info is not None
    assert row.status_info.startswith("worker_lost: three attempts at stage solve")
    assert row.status_info.endswith("last known cause: the child was killed")


async def test_build_goes_on_when_attempts_were_interrupted(ledger: Ledger) -> None:
    build = await ledger.released()
    for number in range(5):
        attempt = Attempt(build, SOLVE, ledger.now + timedelta(seconds=number))
        await ledger.apply(attempt.started(), attempt.interrupted())
    assert (await ledger.stages(build))[SOLVE].state == "requested"
    await ledger.apply(Attempt(build, SOLVE, ledger.now + timedelta(seconds=9)).started())
    assert (await ledger.build(build.id)).status == "BUILDING"


async def test_stage_keeps_running_when_an_older_attempt_was_interrupted(ledger: Ledger) -> None:
    build = await ledger.released()
    old, new = Attempt(build, SOLVE), Attempt(build, SOLVE, ledger.now + timedelta(seconds=5))
    await ledger.apply(old.started(), new.started(), old.interrupted())
    assert (await ledger.stages(build))[SOLVE].state == "running"


async def test_build_fails_at_once_when_a_failure_is_permanent(ledger: Ledger) -> None:
    build = await ledger.released()
    attempt = Attempt(build, SOLVE)
    await ledger.apply(attempt.started(), attempt.failed("unsatisfiable", "nothing provides numpy 99\nneeded by you"))
    row = await ledger.build(build.id)
    assert (row.status, row.ended_on) == ("FAILED", ledger.now)
    assert row.status_info == "unsatisfiable: nothing provides numpy 99\nneeded by you"
    assert (await ledger.stages(build))[SOLVE].code == "unsatisfiable"
    assert (await ledger.events(build))[-1] == "build.failed"
    assert await ledger.take() == []


async def test_build_tells_what_upstream_tells_when_its_path_is_too_long(ledger: Ledger) -> None:
    build = await ledger.solved()
    text = "build_path too long: must be <= 255 characters"
    await ledger.apply(Attempt(build, PREFIX).failed("prefix_too_long", text))
    assert (await ledger.build(build.id)).status_info == text


async def test_build_waits_and_says_why_when_a_failure_passes(ledger: Ledger) -> None:
    build = await ledger.released()
    await ledger.apply(Attempt(build, SOLVE).failed("channel_unreachable", "a.org: reset\ntrace", transient=True))
    stage, row = (await ledger.stages(build))[SOLVE], await ledger.build(build.id)
    assert (stage.state, stage.failures, stage.code) == ("waiting", 1, "channel_unreachable")
    assert stage.not_before is not None
    assert ledger.now <= stage.not_before <= ledger.now + timedelta(seconds=10)
    assert row.status_info == "channel_unreachable: a.org: reset – trying again"
    assert row.status == "QUEUED"


async def test_build_tells_no_old_trouble_when_it_completes(ledger: Ledger) -> None:
    build = await ledger.solved()
    await ledger.apply(Attempt(build, PREFIX).failed("disk_full", "no space", transient=True))
    await ledger.complete(build)
    row = await ledger.build(build.id)
    assert (row.status, row.status_info) == ("COMPLETED", None)


async def test_build_tells_no_old_trouble_when_it_is_canceled(ledger: Ledger) -> None:
    build = await ledger.released()
    await ledger.apply(Attempt(build, SOLVE).failed("disk_full", "no space", transient=True))
    await ledger.cancel(build)
    assert (await ledger.build(build.id)).status_info is None


async def test_build_fails_when_a_failure_passes_after_its_deadline(ledger: Ledger) -> None:
    build = await ledger.released()
    ledger.later(ledger.policy.build_deadline + 1)
    await ledger.apply(Attempt(build, SOLVE).failed("channel_unreachable", "a.org: reset", transient=True))
    row = await ledger.build(build.id)
    assert (row.status, row.status_info) == ("FAILED", "channel_unreachable: a.org: reset")


async def test_failure_changes_nothing_when_a_newer_attempt_runs(ledger: Ledger) -> None:
    build = await ledger.released()
    old, new = Attempt(build, SOLVE), Attempt(build, SOLVE, ledger.now + timedelta(seconds=5))
    await ledger.apply(old.started(), new.started(), old.failed("unsatisfiable"))
    assert (await ledger.build(build.id)).status == "BUILDING"
    assert (await ledger.stages(build))[SOLVE].state == "running"


async def test_solve_is_requested_again_when_the_builder_misses_the_lockfile(ledger: Ledger) -> None:
    build = await ledger.solved()
    await ledger.apply(Attempt(build, PREFIX).failed("input_missing", "no lockfile", transient=True))
    assert [type(message) for message in await ledger.take()] == [events.SolveRequested]
    stages = await ledger.stages(build)
    assert (stages[SOLVE].state, stages[PREFIX].state) == ("requested", "waiting")
    again = Attempt(build, SOLVE, ledger.now + timedelta(seconds=60))
    await ledger.apply(again.started(), again.product())
    assert [type(message) for message in await ledger.take()] == [events.PrefixRequested]
    assert (await ledger.build(build.id)).rank == 3 - 1


@pytest.mark.parametrize("stage", [SOLVE, PREFIX])
async def test_worker_is_told_to_stop_when_it_begins_what_is_canceled(ledger: Ledger, stage: str) -> None:
    build = await ledger.solved()
    await ledger.cancel(build)
    await ledger.take()
    await ledger.apply(Attempt(build, stage).started())
    assert [type(message) for message in await ledger.take()] == [events.BuildCanceled]


async def test_worker_is_told_to_stop_when_nobody_knows_the_build(ledger: Ledger) -> None:
    build = await ledger.released()
    build.id = 4711
    attempt = Attempt(build, SOLVE)
    await ledger.apply(attempt.started(), attempt.progress(), attempt.interrupted(), attempt.product())
    await ledger.apply(attempt.failed("unsatisfiable"), attempt.log(0, "lost"))
    # What it made goes as well.
    told = [events.BuildCanceled, events.BuildCanceled, events.ArtifactDiscardRequested]
    assert [type(message) for message in await ledger.take()] == told


async def test_request_goes_out_again_when_the_broker_gave_it_up(ledger: Ledger) -> None:
    build = await ledger.released()
    lost = events.SolveRequested(build_id=build.id, build_key=build.build_key, order_digest=build.order_digest or "")
    await ledger.apply(lost)
    assert await ledger.take() == [lost]


async def test_build_fails_when_the_broker_gave_up_and_three_attempts_died(ledger: Ledger) -> None:
    build = await ledger.released()
    for number in range(3):
        await ledger.apply(Attempt(build, SOLVE, ledger.now + timedelta(seconds=number)).started())
    await ledger.apply(events.SolveRequested(build_id=build.id, build_key=build.build_key, order_digest=""))
    assert (await ledger.build(build.id)).status == "FAILED"


async def test_lost_request_changes_nothing_when_its_stage_is_over(ledger: Ledger) -> None:
    build = await ledger.completed()
    await ledger.apply(events.SolveRequested(build_id=build.id, build_key=build.build_key, order_digest=""))
    assert await ledger.take() == []
