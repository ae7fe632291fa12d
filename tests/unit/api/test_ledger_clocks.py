"""Clocks that differ, messages that come late, and time during which nothing could be heard."""

from datetime import timedelta

from conda_store_api.domain.policy import LedgerOptions
from conda_store_api.use_cases.rescue_builds import Tools, request_waiting, rescue_builds
from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.contracts import events
from conda_store_shared.domain.stage import SOLVE
from tests.unit.api.ledger_builders import NOON, Attempt, Ledger, of_type

HOUR = timedelta(hours=1)


def tools_of(ledger: Ledger) -> Tools:
    """What rescuing needs, with an empty bus."""
    return Tools(
        transactions=ledger.transactions, store=ledger.store, bus=MemoryBus(), options=LedgerOptions(silence=60)
    )


async def test_failure_counts_when_a_dead_attempt_had_a_fast_clock(ledger: Ledger) -> None:
    build = await ledger.released()
    ahead, right = Attempt(build, SOLVE, NOON + HOUR), Attempt(build, SOLVE, NOON)
    await ledger.apply(ahead.started(), right.started(), right.failed("unsatisfiable"))
    assert (await ledger.build(build.id)).status == "FAILED"


async def test_failure_counts_when_its_worker_has_a_slow_clock(ledger: Ledger) -> None:
    build = await ledger.released()
    right, behind = Attempt(build, SOLVE, NOON), Attempt(build, SOLVE, NOON - HOUR)
    await ledger.apply(right.started(), behind.started(), behind.progress(4), behind.failed("unsatisfiable"))
    assert (await ledger.stages(build))[SOLVE].done == 4
    assert (await ledger.build(build.id)).status == "FAILED"


async def test_failure_of_an_old_attempt_is_ignored_when_it_wakes_late(ledger: Ledger) -> None:
    build = await ledger.released()
    old, new = Attempt(build, SOLVE, NOON), Attempt(build, SOLVE, NOON + HOUR)
    await ledger.apply(old.started(), new.started(), old.failed("timeout"))
    assert (await ledger.build(build.id)).status == "BUILDING"


async def test_stage_keeps_waiting_when_word_of_the_failed_attempt_comes_late(ledger: Ledger) -> None:
    build = await ledger.released()
    attempt = Attempt(build, SOLVE)
    await ledger.apply(attempt.failed("timeout", transient=True), attempt.started(), attempt.progress())
    assert (await ledger.stages(build))[SOLVE].state == "waiting"


async def test_failure_counts_once_when_it_is_told_twice(ledger: Ledger) -> None:
    build = await ledger.released()
    failure = Attempt(build, SOLVE).failed("timeout", transient=True)
    await ledger.apply(failure, failure)
    assert (await ledger.stages(build))[SOLVE].failures == 1


async def test_worker_is_told_again_when_it_goes_on_with_a_canceled_build(ledger: Ledger) -> None:
    build = await ledger.released()
    attempt = Attempt(build, SOLVE)
    await ledger.apply(attempt.started())
    await ledger.cancel(build)
    await ledger.take()
    await ledger.apply(attempt.progress(2))
    assert of_type(await ledger.take(), events.BuildCanceled)


async def test_build_is_tried_again_when_it_waited_long_for_its_turn(ledger: Ledger) -> None:
    build = await ledger.submit()
    ledger.later(2 * ledger.policy.build_deadline)
    await ledger.release()
    await ledger.apply(Attempt(build, SOLVE, ledger.now).failed("channel_unreachable", transient=True))
    assert (await ledger.stages(build))[SOLVE].state == "waiting"


async def test_running_stage_is_left_alone_when_its_silence_could_not_have_been_heard(ledger: Ledger) -> None:
    build = await ledger.released()
    await ledger.apply(Attempt(build, SOLVE).started())
    ledger.later(300)
    tools = tools_of(ledger)
    back = ledger.now - timedelta(seconds=5)
    assert await rescue_builds(tools, ledger.now, listening=back) == 0
    ledger.later(60)
    assert await rescue_builds(tools, ledger.now, listening=back) == 1


async def test_stage_is_requested_once_when_two_replicas_look_for_lost_work(ledger: Ledger) -> None:
    await ledger.released()
    ledger.later(30)
    tools = tools_of(ledger)
    assert [await rescue_builds(tools, ledger.now), await rescue_builds(tools, ledger.now)] == [1, 0]
    assert len(of_type(await ledger.take(), events.SolveRequested)) == 1


async def test_stage_is_requested_again_when_its_pause_is_over(ledger: Ledger) -> None:
    build = await ledger.released()
    await ledger.apply(Attempt(build, SOLVE).failed("timeout", transient=True))
    tools = tools_of(ledger)
    ledger.later(-1)
    assert await request_waiting(tools, ledger.now) == 0
    ledger.later(20)
    assert await request_waiting(tools, ledger.now) == 1
    assert of_type(await ledger.take(), events.SolveRequested)
