"""A build goes on when the object store was emptied (design §3.8)."""

from conda_store_shared.contracts import events
from conda_store_shared.domain.stage import PREFIX, SOLVE
from tests.unit.api.ledger_builders import Attempt, Ledger, of_type

YAML = "artifact.YAML"


async def test_lockfile_is_solved_again_once_when_the_builder_misses_it_twice(ledger: Ledger) -> None:
    build = await ledger.solved()
    for _ in range(2):
        await ledger.apply(Attempt(build, PREFIX, ledger.now).failed("input_missing", transient=True))
        ledger.later(1)
    assert len(of_type(await ledger.take(), events.SolveRequested)) == 1
    await ledger.apply(Attempt(build, SOLVE, ledger.now).product())
    assert len(of_type(await ledger.take(), events.PrefixRequested)) == 1
    await ledger.complete(build)
    assert (await ledger.build(build.id)).status == "COMPLETED"


async def test_record_is_written_again_when_an_artifact_misses_it(ledger: Ledger) -> None:
    build = await ledger.completed()
    await ledger.apply(Attempt(build, YAML, ledger.now).failed("input_missing", transient=True))
    assert len(of_type(await ledger.take(), events.PrefixRequested)) == 1
    again = Attempt(build, PREFIX, ledger.now)
    await ledger.apply(again.started(), again.product())
    stages = await ledger.stages(build)
    assert (stages[PREFIX].state, stages[YAML].state) == ("done", "waiting")
    assert (await ledger.build(build.id)).status == "COMPLETED"
    assert (await ledger.events(build)).count("build.completed") == 1


async def test_lockfile_of_a_completed_build_is_never_solved_again(ledger: Ledger) -> None:
    build = await ledger.completed()
    await ledger.apply(Attempt(build, YAML, ledger.now).failed("input_missing", transient=True))
    await ledger.apply(Attempt(build, PREFIX, ledger.now).failed("input_missing", transient=True))
    assert not of_type(await ledger.take(), events.SolveRequested)


async def test_artifact_is_tried_again_when_its_build_took_nearly_all_its_time(ledger: Ledger) -> None:
    build = await ledger.solved()
    ledger.later(ledger.policy.build_deadline - 1)
    await ledger.complete(build)
    ledger.later(60)
    await ledger.apply(Attempt(build, YAML, ledger.now).failed("storage_unavailable", transient=True))
    assert (await ledger.stages(build))[YAML].state == "waiting"


async def test_other_artifacts_go_on_when_the_attempts_at_one_died_too_often(ledger: Ledger) -> None:
    build = await ledger.completed()
    for _ in range(4):
        await ledger.apply(Attempt(build, YAML, ledger.now).started())
        ledger.later(1)
    assert (await ledger.stages(build))[YAML].state == "failed"
    assert not of_type(await ledger.take(), events.BuildCanceled)
