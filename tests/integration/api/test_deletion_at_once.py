"""Deletions on PostgreSQL that cross each other, submissions and completions: each ends in one state."""

import asyncio
from collections.abc import Awaitable

import pytest

from conda_store_api.repositories.builds import end_build, lock_build
from conda_store_api.repositories.deletion import mark_build_deleted
from conda_store_api.use_cases.let_build_go import let_build_go
from conda_store_api.use_cases.request_discard import discard_message
from conda_store_api.use_cases.store_logs import store_logs
from conda_store_shared.contracts import events
from conda_store_shared.db.models import Build, Discard, Environment, Namespace, Specification
from conda_store_shared.domain.build import BuildStatus
from conda_store_shared.domain.stage import PREFIX, SOLVE
from tests.unit.api.discarding import answered
from tests.unit.api.ledger_builders import NAMES, Attempt, Ledger, of_type

ROUNDS = 8


async def at_once(*acts: Awaitable[object]) -> None:
    """Do things side by side; whatever any of them raises fails the test."""
    async with asyncio.TaskGroup() as group:
        for act in acts:
            group.create_task(_do(act))


async def _do(act: Awaitable[object]) -> None:
    await act


async def everything_gone(ledger: Ledger) -> None:
    """Let go what was deleted, by three replicas; nothing of it is left but late looks."""
    for _ in range(3):
        await at_once(*(ledger.erase() for _ in range(3)))
        await ledger.take()
        await answered(ledger, [discard_message(row) for row in await ledger.rows(Discard) if not row.late])
    assert [row.id for row in await ledger.rows(Discard) if not row.late] == []


@pytest.mark.parametrize("kind", ["environment", "namespace"])
async def test_submission_is_never_lost_when_it_crosses_the_deletion_of_its_place(ledger: Ledger, kind: str) -> None:
    for _ in range(ROUNDS):
        before = await ledger.completed()
        delete = ledger.delete_environment if kind == "environment" else ledger.delete_namespace
        await at_once(ledger.submit(dependency="numpy"), delete(), ledger.erase())
        (build,) = [row for row in await ledger.rows(Build) if row.id > before.id]
        environment = (await ledger.rows(Environment))[0]
        if environment.deleted_on is None:
            assert build.id > environment.erased_through
            assert environment.current_build_id == build.id
            assert [row.deleted_on for row in await ledger.rows(Namespace)] == [None]
            await delete()
        assert build.id <= (await ledger.rows(Environment))[0].erased_through
        await everything_gone(ledger)
        assert await ledger.count(Build, Environment, Specification) == [0, 0, 0]
        assert await ledger.count(Namespace) == [kind == "environment"]


async def test_submission_goes_on_when_rows_of_its_names_are_removed_at_once(ledger: Ledger) -> None:
    for _ in range(ROUNDS):
        await ledger.submit()
        await ledger.delete_namespace()
        await ledger.erase()
        await answered(ledger)
        await at_once(*(ledger.erase() for _ in range(2)), *(ledger.submit() for _ in range(3)))
        environments = await ledger.rows(Environment)
        assert [row.deleted_on for row in environments] == [None]
        mine = [row for row in await ledger.rows(Build) if row.id > environments[0].erased_through]
        assert len(mine) == 3
        await ledger.delete_namespace()
        await everything_gone(ledger)
        assert await ledger.count(Build, Environment, Namespace) == [0, 0, 0]


async def test_environment_ends_alike_when_a_build_completes_while_it_is_deleted(ledger: Ledger) -> None:
    for _ in range(ROUNDS):
        build = await ledger.solved()
        await ledger.put_record(build)
        await at_once(ledger.apply(Attempt(build, PREFIX).product()), ledger.delete_environment(), ledger.erase())
        messages = await ledger.take()
        environment = await ledger.environment(build)
        assert environment.deleted_on is not None
        links = [link.generation for link in of_type(messages, events.LinkRequested)]
        unlinks = [link.generation for link in of_type(messages, events.LinkDiscardRequested)]
        assert max(unlinks) > max(links, default=0)
        await answered(ledger, messages)
        await everything_gone(ledger)
        assert await ledger.count(Build, Environment) == [0, 0]


async def test_a_build_that_is_there_is_current_when_two_are_deleted_at_once(ledger: Ledger) -> None:
    for _ in range(ROUNDS):
        builds = [await ledger.completed() for _ in range(4)]
        await at_once(*(ledger.delete(build) for build in builds[1:]))
        environment = await ledger.environment(builds[0])
        assert environment.current_build_id == builds[0].id
        newest = max(of_type(await ledger.take(), events.LinkRequested), key=lambda link: link.generation)
        assert newest.build_id == builds[0].id
        await ledger.delete_environment()
        await everything_gone(ledger)


async def test_chosen_build_is_there_when_it_is_deleted_at_once(ledger: Ledger) -> None:
    for _ in range(ROUNDS):
        first, second = await ledger.completed(), await ledger.completed()
        results = await asyncio.gather(ledger.choose(first), ledger.delete(first), return_exceptions=True)
        assert [error for error in results if error and "not completed" not in str(error)] == []
        assert (await ledger.environment(first)).current_build_id == second.id
        await ledger.delete_environment(*NAMES)
        await everything_gone(ledger)


async def test_log_of_an_erased_build_is_not_stored_when_a_word_of_it_crossed_its_erasure(ledger: Ledger) -> None:
    build = await ledger.released()
    attempt = Attempt(build, SOLVE)
    await ledger.apply(attempt.started())
    async with ledger.transactions.begin() as transaction:
        locked = await lock_build(transaction.session, build.id, with_order=False)
        assert locked is not None
        await end_build(transaction.session, locked.build, BuildStatus.CANCELED, {"ended_on": ledger.now})
        await mark_build_deleted(transaction.session, build.id, ledger.now, erased=True)
        await let_build_go(transaction, locked.build, (), ledger.now)
        word = asyncio.create_task(ledger.apply(attempt.log(0, "solving\n")))
        # It has found the build as it was, and waits for the lock.
        assert await asyncio.wait([word], timeout=1) == (set(), {word})
    await word
    assert await store_logs(ledger.transactions, ledger.store, ledger.now) == 0


async def test_each_discard_is_asked_for_once_more_when_replicas_rescue_at_once(ledger: Ledger) -> None:
    for number in range(5):
        build = await ledger.submit(name=f"environment-{number}")
        await ledger.cancel(build)
        await ledger.delete(build)
    await ledger.take()
    ledger.later(60)
    await at_once(*(ledger.rescue() for _ in range(3)))
    again = await ledger.take()
    assert len(of_type(again, events.PrefixDiscardRequested)) == 5
    assert len(of_type(again, events.ArtifactDiscardRequested)) == 5
