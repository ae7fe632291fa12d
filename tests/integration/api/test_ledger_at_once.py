"""The ledger on PostgreSQL, its messages handled side by side: it ends as if they had come one by one."""

import asyncio
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from conda_store_api.domain.policy import LedgerOptions
from conda_store_api.use_cases.rescue_builds import Tools, rescue_builds
from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.contracts import events
from conda_store_shared.domain.stage import PREFIX, SOLVE
from tests.unit.api.ledger_builders import Attempt, Ledger, of_type, open_ledger
from tests.unit.api.ledger_courses import BUILDS, BuildCourse, a_post, with_examples


@with_examples(6)
@given(courses=st.lists(BUILDS, min_size=1, max_size=2), seed=st.integers(0, 2**32))
def test_builds_end_alike_when_their_messages_are_handled_at_once(
    postgres_url: str, tmp_path: Path, courses: list[BuildCourse], seed: int
) -> None:
    async def example() -> None:
        async with open_ledger(postgres_url, tmp_path / "objects") as ledger:
            post = await a_post(ledger, courses, seed, at_once=6)
            await post.deliver_all()
            await post.check()
            await post.check_current()

    asyncio.run(example())


async def test_builds_share_packages_when_they_complete_at_once(ledger: Ledger) -> None:
    builds = [await ledger.submit(name=f"environment-{number}") for number in range(6)]
    await ledger.release()
    for build in builds:
        await ledger.put_record(build, *(f"package-{number}" for number in range(300)))
    attempts = [Attempt(await ledger.build(build.id), PREFIX) for build in builds]
    async with asyncio.TaskGroup() as group:
        for attempt in attempts:
            group.create_task(ledger.apply(attempt.product()))
    assert [(await ledger.build(build.id)).status for build in builds] == ["COMPLETED"] * 6


async def test_cancel_and_completion_leave_one_state_when_they_cross(ledger: Ledger) -> None:
    for _ in range(8):
        build = await ledger.solved()
        await ledger.put_record(build)
        async with asyncio.TaskGroup() as group:
            group.create_task(ledger.apply(Attempt(build, PREFIX).product()))
            group.create_task(ledger.cancel(build))
        status, messages = (await ledger.build(build.id)).status, await ledger.take()
        assert status in ("COMPLETED", "CANCELED")
        # Once for the cancel, and once more for a prefix that came up after it.
        assert bool(of_type(messages, events.PrefixDiscardRequested)) == (status == "CANCELED")
        assert len(of_type(messages, events.BuildCanceled)) == 1
        assert not [row for row in (await ledger.stages(build)).values() if row.state in ("requested", "running")]


async def test_submissions_make_one_environment_when_they_come_at_once(ledger: Ledger) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(ledger.submit(dependency=f"python>=3.{number % 3}")) for number in range(12)]
    builds = [task.result() for task in tasks]
    assert len({build.environment_id for build in builds}) == 1
    assert len({build.id for build in builds}) == 12
    assert len({build.specification_id for build in builds}) == 3
    assert (await ledger.environment(builds[0])).current_build_id in {build.id for build in builds}
    assert (await ledger.events()).count("environment.created") == 1


async def test_builds_are_released_once_when_replicas_release_at_once(ledger: Ledger) -> None:
    for number in range(10):
        await ledger.submit(name=f"environment-{number}")
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(ledger.release())
    assert len(of_type(await ledger.take(), events.SolveRequested)) == 10


async def test_failure_and_lockfile_leave_one_state_when_they_cross(ledger: Ledger) -> None:
    for _ in range(8):
        build = await ledger.released()
        attempt = Attempt(build, SOLVE)
        async with asyncio.TaskGroup() as group:
            group.create_task(ledger.apply(attempt.started()))
            group.create_task(ledger.apply(attempt.product()))
            group.create_task(ledger.apply(attempt.failed("channel_unreachable", transient=True)))
        stages = await ledger.stages(build)
        assert stages[SOLVE].state == "done"
        assert stages[PREFIX].state == "requested"


async def test_lost_work_is_requested_once_when_replicas_rescue_at_once(ledger: Ledger) -> None:
    for number in range(5):
        await ledger.submit(name=f"environment-{number}")
    await ledger.release()
    await ledger.take()
    ledger.later(600)
    replicas = [
        Tools(transactions=ledger.transactions, store=ledger.store, bus=MemoryBus(), options=LedgerOptions())
        for _ in range(3)
    ]
    async with asyncio.TaskGroup() as group:
        for tools in replicas:
            group.create_task(rescue_builds(tools, ledger.now))
    assert len(of_type(await ledger.take(), events.SolveRequested)) == 5
