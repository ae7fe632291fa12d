"""What is silent or lost is requested again (design §3.8)."""

import pytest

from conda_store_api.domain.policy import LedgerOptions
from conda_store_api.use_cases.rescue_builds import Tools, request_waiting, rescue_builds
from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.contracts import events
from conda_store_shared.db.models import Build
from conda_store_shared.domain.stage import PREFIX, SOLVE
from conda_store_shared.domain.storage_keys import order_key
from conda_store_shared.errors import BusUnavailable
from conda_store_shared.testing.bus_messages import a_solve_request
from tests.unit.api.ledger_builders import NAMES, Attempt, Ledger

pytestmark = pytest.mark.slow

OPTIONS = LedgerOptions(silence=60, unheard=10)


class AwayBus(MemoryBus):
    """A bus whose broker is away."""

    async def depth(self, queue: str) -> int:
        raise BusUnavailable(queue)


class CancelingBus(MemoryBus):
    """A bus during whose answer a build is canceled, and its order removed as with a deletion."""

    def __init__(self, ledger: Ledger, build: Build) -> None:
        super().__init__()
        self._ledger = ledger
        self._build = build

    async def depth(self, queue: str) -> int:
        await self._ledger.cancel(self._build)
        await self._ledger.store.delete(order_key(self._build.build_key))
        return await super().depth(queue)


def tools(ledger: Ledger, bus: MemoryBus | None = None) -> Tools:
    return Tools(transactions=ledger.transactions, store=ledger.store, bus=bus or MemoryBus(), options=OPTIONS)


async def rescued(
    ledger: Ledger, bus: MemoryBus | None = None, *, everything: bool = False
) -> list[type[events.Event]]:
    await rescue_builds(tools(ledger, bus), ledger.now, everything=everything)
    return [type(message) for message in await ledger.take()]


async def test_waiting_work_is_requested_again_when_its_queue_is_empty(ledger: Ledger) -> None:
    build = await ledger.released()
    await ledger.store.delete(order_key(build.build_key))
    ledger.later(9)
    assert await rescued(ledger) == []
    ledger.later(2)
    assert await rescued(ledger) == [events.SolveRequested]
    assert await ledger.store.head(order_key(build.build_key)) is not None
    assert await rescued(ledger) == []


async def test_waiting_work_is_left_alone_when_it_stands_in_a_queue(ledger: Ledger) -> None:
    await ledger.released()
    bus = MemoryBus()
    await bus.publish(a_solve_request())
    ledger.later(3600)
    assert await rescued(ledger, bus) == []


async def test_no_order_is_left_of_a_build_that_was_given_up_as_it_was_looked_at(ledger: Ledger) -> None:
    build = await ledger.released()
    ledger.later(11)
    assert events.SolveRequested not in await rescued(ledger, CancelingBus(ledger, build))
    assert await ledger.store.head(order_key(build.build_key)) is None


async def test_running_work_is_requested_again_when_it_is_silent(ledger: Ledger) -> None:
    build = await ledger.released()
    attempt = Attempt(build, SOLVE)
    await ledger.apply(attempt.started())
    ledger.later(50)
    await ledger.apply(attempt.progress())
    ledger.later(50)
    assert await rescued(ledger) == []
    ledger.later(20)
    assert await rescued(ledger) == [events.SolveRequested]
    assert (await ledger.stages(build))[SOLVE].state == "requested"


async def test_build_fails_when_the_third_attempt_falls_silent(ledger: Ledger) -> None:
    build = await ledger.released()
    for _ in range(3):
        ledger.later(100)
        await ledger.apply(Attempt(build, SOLVE, ledger.now).started())
    ledger.later(100)
    assert await rescued(ledger) == [events.BuildCanceled]
    row = await ledger.build(build.id)
    assert row.status == "FAILED"
    assert str(row.status_info).startswith("worker_lost: ")


async def test_everything_is_requested_again_when_the_only_process_restarts(ledger: Ledger) -> None:
    build = await ledger.completed()
    await ledger.submit(name="other")
    await ledger.release()
    await ledger.take()
    await ledger.apply(Attempt(build, "artifact.YAML").started())
    kinds = await rescued(ledger, everything=True)
    assert sorted(kind.__name__ for kind in kinds) == ["ArtifactRequested", "ArtifactRequested", "SolveRequested"]


async def test_restarts_do_not_count_when_the_only_process_is_stopped_again_and_again(ledger: Ledger) -> None:
    build = await ledger.solved()
    for _ in range(5):
        ledger.later(5)
        await ledger.apply(Attempt(build, PREFIX, ledger.now).started())
        assert await rescued(ledger, everything=True) == [events.PrefixRequested]
    await ledger.complete(build)
    assert (await ledger.build(build.id)).status == "COMPLETED"


async def test_stage_is_requested_again_when_its_pause_is_over(ledger: Ledger) -> None:
    build = await ledger.released()
    await ledger.apply(Attempt(build, SOLVE).failed("channel_unreachable", transient=True))
    not_before = (await ledger.stages(build))[SOLVE].not_before
    assert not_before is not None
    ledger.now = not_before
    assert await request_waiting(tools(ledger), ledger.now) == 1
    assert [type(message) for message in await ledger.take()] == [events.SolveRequested]
    assert await request_waiting(tools(ledger), ledger.now) == 0


async def test_build_fails_when_its_pause_ends_after_its_deadline(ledger: Ledger) -> None:
    build = await ledger.released()
    await ledger.apply(Attempt(build, SOLVE).failed("channel_unreachable", "a.org: reset", transient=True))
    ledger.later(ledger.policy.build_deadline + 100)
    assert await request_waiting(tools(ledger), ledger.now) == 0
    row = await ledger.build(build.id)
    assert (row.status, row.status_info) == ("FAILED", "channel_unreachable: a.org: reset")


async def test_link_is_requested_again_when_nobody_said_it_is_there(ledger: Ledger) -> None:
    build = await ledger.completed()
    for stage in ("artifact.YAML", "artifact.CONDA_PACK"):
        await ledger.apply(Attempt(build, stage).product())
    ledger.later(11)
    assert await rescued(ledger) == [events.LinkRequested]
    linked = events.EnvironmentLinked(
        build_id=build.id, build_key=build.build_key, namespace=NAMES[0], environment=NAMES[1], path="/x", generation=1
    )
    await ledger.apply(linked)
    assert [type(message) for message in await ledger.take()] == [events.EnvironmentUpdated]
    assert await rescued(ledger) == []


async def test_nothing_is_rescued_when_the_broker_is_away(ledger: Ledger) -> None:
    await ledger.released()
    ledger.later(11)
    with pytest.raises(BusUnavailable):
        await rescue_builds(tools(ledger, AwayBus()), ledger.now)
    assert await ledger.take() == []


async def test_request_goes_out_once_when_two_replicas_saw_it_lost(ledger: Ledger) -> None:
    build = await ledger.released()
    ledger.later(11)
    assert await rescued(ledger) == [events.SolveRequested]
    ledger.later(1)
    assert await rescued(ledger) == []
    assert (await ledger.stages(build))[SOLVE].requested_on is not None
