"""Functions of the configuration are told of public events, and nothing that they do holds up anything else."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
import structlog

from conda_store_api.adapters.event_hooks import EventHooks
from conda_store_api.repositories.event_cursors import count_untold
from conda_store_api.use_cases.call_event_hooks import STRIDE, HookedEvents
from conda_store_api.use_cases.take_cursors import settle_cursors, work_through_events
from conda_store_shared.domain.public_event import PublicEventType
from conda_store_shared.errors import ConfigurationError
from conda_store_shared.testing.bus_messages import eventually
from conda_store_shared.testing.public_events import an_event
from tests.unit.api.ledger_builders import Ledger, a_policy

pytestmark = pytest.mark.slow

QUEUED, COMPLETED, FAILED = (
    PublicEventType.BUILD_QUEUED,
    PublicEventType.BUILD_COMPLETED,
    PublicEventType.BUILD_FAILED,
)
DELETED = PublicEventType.ENVIRONMENT_DELETED


class Notes:
    """A hook that notes what it was told, then does something."""

    def __init__(self, work: Callable[[], Any] | None = None) -> None:
        self.events: list[dict[str, Any]] = []
        self._work = work

    def __call__(self, event: dict[str, Any]) -> Any:
        """Be told."""
        self.events.append(event)
        return self._work() if self._work else None

    @property
    def kinds(self) -> list[str]:
        """What it was told of."""
        return [each["type"].removeprefix("conda-store.events.").removesuffix(".v1") for each in self.events]


def hooked(ledger: Ledger, functions: Mapping[str, object], seconds: float = 5) -> dict[str, HookedEvents]:
    """The followers of a configuration by pattern."""
    hooks = EventHooks(functions, seconds, ledger.database, a_policy().settings)
    return {pattern: HookedEvents(ledger.transactions, hooks, pattern, "") for pattern in hooks.patterns}


@asynccontextmanager
async def following(ledger: Ledger, functions: Mapping[str, object], seconds: float = 5) -> AsyncIterator[None]:
    """Run them as a process does."""
    followers = {each.reader: each for each in hooked(ledger, functions, seconds).values()}
    await settle_cursors(ledger.transactions, followers)
    work = {reader: each.run for reader, each in followers.items()}
    tasks = [
        asyncio.create_task(work_through_events(ledger.transactions, work)),
        asyncio.create_task(waking(*followers.values())),
    ]
    try:
        yield
        assert not any(task.done() for task in tasks), tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def waking(*followers: HookedEvents) -> None:
    """Be the notices that something was added."""
    while True:
        for follower in followers:
            follower.wake.set()
        await asyncio.sleep(0.01)  # often, lest a test waits for a notice


async def record(ledger: Ledger, *kinds: PublicEventType) -> None:
    """Add events to the log."""
    async with ledger.transactions.begin() as transaction:
        for kind in kinds:
            transaction.record(an_event(kind))


async def untold(ledger: Ledger) -> dict[str, int]:
    """How many events each hook has not been told of."""
    async with ledger.database.session() as session:
        return {waiting.kind[0]: waiting.count for waiting in await count_untold(session)}


async def test_hook_is_told_of_what_is_for_it_in_order(ledger: Ledger) -> None:
    completed, builds, everything = Notes(), Notes(), Notes()
    await record(ledger, COMPLETED)
    async with following(ledger, {"build.completed": completed, "build.*": builds, "*": everything}):
        await record(ledger, QUEUED, COMPLETED, DELETED)
        await eventually(lambda: len(everything.events) == 3)
    assert completed.kinds == ["build.completed"]
    assert builds.kinds == ["build.queued", "build.completed"]
    assert everything.kinds == ["build.queued", "build.completed", "environment.deleted"]
    event = completed.events[0]
    assert (event["specversion"], event["time"], event["data"]["size"]) == ("1.0", "2026-11-22T12:00:00Z", 1)


async def test_each_hook_has_an_event_of_its_own_to_change(ledger: Ledger) -> None:
    notes = Notes()
    async with following(ledger, {"build.*": lambda event: event["data"].clear(), "*": notes}):
        await record(ledger, COMPLETED)
        await eventually(lambda: bool(notes.events))
    assert notes.events[0]["data"]["build_id"] == 7


def leave() -> None:
    raise SystemExit(3)


async def leave_later() -> None:
    raise KeyboardInterrupt


def fail() -> None:
    raise LookupError("hidden-word")


@pytest.mark.parametrize("work", [leave, leave_later, fail])
async def test_hook_that_fails_is_a_line_in_the_log_and_is_told_of_the_next(
    ledger: Ledger, work: Callable[[], Any]
) -> None:
    bad, good = Notes(work), Notes()
    with structlog.testing.capture_logs() as logged:
        async with following(ledger, {"build.*": bad, "*": good}):
            await record(ledger, QUEUED, COMPLETED)
            await eventually(lambda: len(bad.events) == len(good.events) == 2)
            await eventually(lambda: sum(line["event"] == "hook_failed" for line in logged) == 2)
    lines = [line for line in logged if line["event"] == "hook_failed"]
    assert {line["hook"] for line in lines} == {"CondaStore.event_hooks['build.*']"}
    assert all("event_hooks.py" in line["traceback"] for line in lines)


async def test_hook_that_takes_too_long_holds_up_itself_alone(ledger: Ledger) -> None:
    go_on = threading.Event()
    slow, quick = Notes(lambda: go_on.wait(20)), Notes()
    with structlog.testing.capture_logs() as logged:
        async with following(ledger, {"build.*": slow, "*": quick}, seconds=0.1):
            await record(ledger, QUEUED, COMPLETED, FAILED)
            await eventually(lambda: len(quick.events) == 3)
            await eventually(lambda: any(line["event"] == "hook_too_slow" for line in logged))
            assert slow.kinds == ["build.queued"]
            go_on.set()
            await eventually(lambda: len(slow.events) == 3)
    assert slow.kinds == ["build.queued", "build.completed", "build.failed"]


async def test_hook_that_never_lets_go_of_its_loop_holds_up_itself_alone(ledger: Ledger) -> None:
    go_on = threading.Event()

    async def forget_to_wait() -> None:
        go_on.wait(20)

    stuck, quick = Notes(forget_to_wait), Notes()
    async with following(ledger, {"build.*": stuck, "*": quick}, seconds=0.05):
        await record(ledger, QUEUED, COMPLETED)
        await eventually(lambda: len(quick.events) == 2)
        go_on.set()
        await eventually(lambda: len(stuck.events) == 2)


async def test_hook_is_told_again_when_the_process_died_while_it_ran(ledger: Ledger) -> None:
    go_on = threading.Event()
    first, again = Notes(lambda: go_on.wait(20)), Notes()
    async with following(ledger, {"build.*": first}):
        await record(ledger, QUEUED, COMPLETED)
        await eventually(lambda: first.kinds == ["build.queued"])
    go_on.set()
    async with following(ledger, {"build.*": again}):
        await eventually(lambda: again.kinds == ["build.queued", "build.completed"])


async def test_hook_that_is_new_begins_with_what_comes_and_one_that_is_gone_is_forgotten(ledger: Ledger) -> None:
    await record(ledger, QUEUED)
    old, new = Notes(), Notes()
    async with following(ledger, {"build.completed": old}):
        await record(ledger, QUEUED)
    async with following(ledger, {"*": new}):
        await record(ledger, COMPLETED)
        await eventually(lambda: new.kinds == ["build.completed"])
        assert set(await untold(ledger)) == {"hook:*"}


async def test_events_that_are_for_no_hook_are_passed_over_in_strides(ledger: Ledger) -> None:
    follower = hooked(ledger, {"build.deleted": Notes()})["build.deleted"]
    await settle_cursors(ledger.transactions, {follower.reader: None})
    for count, left in ((1, 0), (1, 1), (STRIDE - 1, 0)):
        await record(ledger, *[QUEUED] * count)
        await follower.tell_batch((PublicEventType.BUILD_DELETED,))
        assert await untold(ledger) == {"hook:build.deleted": left}


@pytest.mark.parametrize(
    ("pattern", "function", "told"),
    [
        ("build.complete", print, r"\['build.complete'\]: there are no events of type 'build.complete'; known are"),
        ("build.completed", "print", r"\['build.completed'\] is 'print', which is no function"),
        ("build.completed", None, r"\['build.completed'\] is None, which is no function"),
        ("*", lambda build, user: None, r"\['\*'\]: the function asks for build, user; it is given event, conda_store"),
        ("*", lambda: None, r"\['\*'\]: the function takes no event; it is given event, conda_store, db, by name"),
        ("*", lambda db: None, r"\['\*'\]: the function takes no event"),
    ],
)
def test_server_does_not_start_when_a_hook_cannot_be_told(
    ledger: Ledger, pattern: str, function: object, told: str
) -> None:
    with pytest.raises(ConfigurationError, match=rf"^CondaStore.event_hooks{told}"):
        hooked(ledger, {pattern: function})


@pytest.mark.parametrize(
    "function",
    [
        lambda event: event["id"],
        lambda told: told["id"],
        lambda conda_store, event: (conda_store.log, event["id"]),
        lambda event, **rest: (rest["db"].namespace("team"), event["id"]),
    ],
)
async def test_hook_is_given_what_it_names_or_the_event_alone(ledger: Ledger, function: Callable[..., Any]) -> None:
    with structlog.testing.capture_logs() as logged:
        async with following(ledger, {"*": function}):
            await record(ledger, COMPLETED)
            await eventually(lambda: any(line["event"] in ("hook_told", "hook_failed") for line in logged))
    assert [line["event"] for line in logged if "hook" in line] == ["hook_told"]
