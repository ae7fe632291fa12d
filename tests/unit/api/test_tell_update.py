"""The hook of the deployment is told of every change of a current build, once users see it (design §3.3)."""

import asyncio
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from conda_store_api.adapters.called_hooks import CalledHooks, HookOptions
from conda_store_api.domain.hook_views import EnvironmentView
from conda_store_api.domain.policy import LedgerOptions
from conda_store_api.ports import Hooks, NoHooks
from conda_store_api.use_cases.rescue_builds import Tools
from conda_store_api.use_cases.rescue_tells import rescue_tells
from conda_store_api.use_cases.tell_update import tell_update
from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.contracts.events import EnvironmentUpdated
from conda_store_shared.errors import DatabaseUnavailable
from conda_store_shared.testing.bus_messages import a_message
from tests.unit.api.ledger_builders import NAMES, Ledger, linked, of_type

pytestmark = pytest.mark.slow


class Told(NoHooks):
    """A hook that remembers what it was told."""

    def __init__(self) -> None:
        self.environments: list[EnvironmentView] = []

    async def tell_update(self, environment: EnvironmentView) -> None:
        self.environments.append(environment)

    @property
    def builds(self) -> list[int | None]:
        return [environment.current_build_id for environment in self.environments]


async def updates(ledger: Ledger) -> list[EnvironmentUpdated]:
    return of_type(await ledger.take(), EnvironmentUpdated)


async def tell(ledger: Ledger, hooks: Hooks, *messages: EnvironmentUpdated) -> None:
    for message in messages:
        await tell_update(message, hooks, ledger.transactions)


async def rescued(ledger: Ledger, bus: MemoryBus | None = None, *, everything: bool = False) -> list[int]:
    options = LedgerOptions(unheard=10, longest_hook=30)
    tools = Tools(transactions=ledger.transactions, store=ledger.store, bus=bus or MemoryBus(), options=options)
    await rescue_tells(tools, ledger.now, everything=everything)
    return [message.generation for message in await updates(ledger)]


async def test_hook_is_told_when_the_link_points_at_the_new_build(ledger: Ledger) -> None:
    build, hook = await ledger.completed(), Told()
    assert await updates(ledger) == []
    await ledger.apply(linked(build, 1))
    await tell(ledger, hook, *await updates(ledger))
    (environment,) = hook.environments
    assert (environment.namespace.name, environment.name) == NAMES
    assert environment.current_build is not None
    assert environment.current_build.path == f"/store/team/{build.build_key}"
    assert (await ledger.environment(build)).told_generation == 1


async def test_hook_is_told_once_when_everything_comes_twice(ledger: Ledger) -> None:
    build, hook = await ledger.completed(), Told()
    await ledger.apply(linked(build, 1), linked(build, 1))
    (message,) = await updates(ledger)
    await tell(ledger, hook, message, message)
    assert hook.builds == [build.id]


async def test_hook_is_told_of_each_change_when_they_follow_quickly(ledger: Ledger) -> None:
    first, hook = await ledger.completed(), Told()
    second = await ledger.completed()
    await ledger.choose(first)
    await ledger.take()
    # The builder switched the link for the last of them alone.
    await ledger.apply(linked(first, 3))
    messages = await updates(ledger)
    assert [message.generation for message in messages] == [1, 2, 3]
    await tell(ledger, hook, *messages)
    assert hook.builds == [first.id] * 3
    assert second.environment_id == first.environment_id


async def test_hook_is_told_at_once_when_the_build_has_no_link(ledger: Ledger) -> None:
    ledger.policy = replace(ledger.policy, build_key_version=3)
    build, hook = await ledger.solved(), Told()
    await ledger.complete(build)
    await tell(ledger, hook, *await updates(ledger))
    assert hook.builds == [build.id]
    ledger.later(100)
    assert await rescued(ledger) == []


async def test_hook_is_told_of_the_build_that_takes_the_place_of_a_deleted_one(ledger: Ledger) -> None:
    first, second, hook = await ledger.completed(), await ledger.completed(), Told()
    await ledger.apply(linked(second, 2))
    await ledger.take()
    await ledger.delete(second)
    await ledger.apply(linked(first, 3))
    await tell(ledger, hook, *await updates(ledger))
    assert hook.builds == [first.id]


async def test_nobody_is_told_when_nothing_is_left_to_be_current(ledger: Ledger) -> None:
    build = await ledger.completed()
    await ledger.apply(linked(build, 1))
    await tell(ledger, NoHooks(), *await updates(ledger))
    await ledger.delete(build)
    ledger.later(100)
    assert await updates(ledger) == []
    assert await rescued(ledger) == []


async def test_nobody_is_told_of_an_environment_that_was_deleted_meanwhile(ledger: Ledger) -> None:
    build, hook = await ledger.completed(), Told()
    await ledger.apply(linked(build, 1))
    messages = await updates(ledger)
    await ledger.delete_environment()
    await tell(ledger, hook, *messages)
    ledger.later(100)
    assert await rescued(ledger) == []
    assert hook.builds == []


async def test_word_is_asked_for_again_when_it_was_lost(ledger: Ledger) -> None:
    build = await ledger.completed()
    await ledger.apply(linked(build, 1))
    assert len(await updates(ledger)) == 1
    # A hook may be at it until its time is over.
    ledger.later(29)
    assert await rescued(ledger) == []
    ledger.later(2)
    assert await rescued(ledger) == [1]
    assert await rescued(ledger) == []


async def test_word_is_asked_for_again_at_once_when_the_only_process_restarts(ledger: Ledger) -> None:
    build = await ledger.completed()
    await ledger.apply(linked(build, 1))
    await ledger.take()
    ledger.later(1)
    assert await rescued(ledger, everything=True) == [1]


async def test_word_is_not_asked_for_again_while_some_wait_in_the_queue(ledger: Ledger) -> None:
    build, bus = await ledger.completed(), MemoryBus()
    await ledger.apply(linked(build, 1))
    await ledger.take()
    ledger.later(100)
    await bus.publish(a_message(EnvironmentUpdated(environment_id=99, generation=1)))
    assert await rescued(ledger, bus) == []


async def test_hook_is_told_again_when_the_process_died_before_it_was_done(ledger: Ledger) -> None:
    class Dies(Told):
        async def tell_update(self, environment: EnvironmentView) -> None:
            await super().tell_update(environment)
            raise DatabaseUnavailable("as good as dead")

    build, dies, hook = await ledger.completed(), Dies(), Told()
    await ledger.apply(linked(build, 1))
    (message,) = await updates(ledger)
    with pytest.raises(DatabaseUnavailable):
        await tell(ledger, dies, message)
    await tell(ledger, hook, message)
    assert (dies.builds, hook.builds) == ([build.id], [build.id])


async def test_change_is_no_news_for_a_hook_that_comes_later(ledger: Ledger) -> None:
    build = await ledger.completed()
    await ledger.apply(linked(build, 1))
    await tell(ledger, NoHooks(), *await updates(ledger))
    ledger.later(100)
    assert await rescued(ledger) == []


@pytest.mark.parametrize("kind", ["fails", "is slow"])
async def test_build_and_link_stay_when_the_hook_fails_or_is_slow(ledger: Ledger, kind: str) -> None:
    async def hook(conda_store: object, environment: EnvironmentView) -> None:
        if kind == "fails":
            raise ValueError(environment.name)
        await asyncio.sleep(60)

    build = await ledger.completed()
    await ledger.apply(linked(build, 1))
    hooks = CalledHooks(HookOptions(post_update=hook, seconds=0.1), ledger.database, ledger.policy.settings)
    with capture_logs() as logs:
        await tell(ledger, hooks, *await updates(ledger))
    assert [line["event"] for line in logs][-1] == "hook_not_told"
    environment = await ledger.environment(build)
    assert (environment.current_build_id, environment.linked_generation, environment.told_generation) == (
        build.id,
        1,
        1,
    )
    assert (await ledger.build(build.id)).status == "COMPLETED"
