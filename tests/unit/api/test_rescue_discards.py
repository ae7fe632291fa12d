"""What is to go is asked for until it is known to be gone, whatever the broker forgets (design §3.8)."""

import random
from datetime import timedelta
from pathlib import Path

import pytest

from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.contracts import events
from conda_store_shared.contracts.topology import BUILDER, queue_name
from conda_store_shared.db.models import Build
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.stage import PREFIX
from conda_store_shared.domain.storage_keys import artifact_key
from conda_store_shared.errors import BusUnavailable
from conda_store_shared.testing.bus_messages import a_message
from tests.unit.api.deletion_world import World, files_below
from tests.unit.api.discarding import answered
from tests.unit.api.ledger_builders import Attempt, Ledger, of_type

pytestmark = pytest.mark.slow

PREFIX_QUEUE = queue_name(BUILDER, events.PrefixDiscardRequested)


class AwayBus(MemoryBus):
    """A bus whose broker is away."""

    async def depth(self, queue: str) -> int:
        raise BusUnavailable(queue)


async def rescued(ledger: Ledger, bus: MemoryBus | None = None, *, everything: bool = False) -> list[events.Event]:
    await ledger.rescue(bus, everything=everything)
    return await ledger.take()


async def deleted(ledger: Ledger) -> tuple[Build, list[events.Event]]:
    """A deleted build, and the requests that were lost."""
    build = await ledger.completed()
    await ledger.delete(build)
    return build, await ledger.take()


async def test_discards_are_requested_again_when_nobody_said_that_all_is_gone(ledger: Ledger) -> None:
    _, lost = await deleted(ledger)
    ledger.later(9)
    assert await rescued(ledger) == []
    ledger.later(2)
    again = await rescued(ledger)
    wanted = (events.PrefixDiscardRequested, events.LinkDiscardRequested, events.ArtifactDiscardRequested)
    assert sorted(map(repr, again)) == sorted(repr(each) for each in lost if isinstance(each, wanted))
    assert len(again) == 3
    await answered(ledger, again)
    ledger.later(1000)
    assert await rescued(ledger) == []


async def test_discards_are_requested_less_and_less_often(ledger: Ledger) -> None:
    await deleted(ledger)
    pauses, last = [], ledger.now
    for _ in range(400):
        ledger.later(10)
        if of_type(await rescued(ledger), events.PrefixDiscardRequested):
            pauses.append((ledger.now - last) / timedelta(seconds=1))
            last = ledger.now
    assert pauses == [10, 10, 10, 10, 20, 40, 80, 160, 320, *[600] * 5]


async def test_discard_that_stands_in_a_queue_is_left_alone(ledger: Ledger) -> None:
    _, lost = await deleted(ledger)
    bus = MemoryBus()
    await bus.publish(a_message(of_type(lost, events.PrefixDiscardRequested)[0]))
    ledger.later(3600)
    kinds = {type(message) for message in await rescued(ledger, bus)}
    assert kinds == {events.ArtifactDiscardRequested, events.LinkDiscardRequested}


async def test_objects_are_looked_for_once_more_when_whoever_made_them_must_be_done(ledger: Ledger) -> None:
    build, lost = await deleted(ledger)
    await answered(ledger, lost)
    (late,) = await ledger.discards()
    longest = max(ledger.policy.install_deadline, ledger.policy.artifact_deadline, ledger.policy.solve_deadline)
    assert late.not_before == ledger.now + timedelta(seconds=2 * longest)
    ledger.now = late.not_before
    (again,) = await rescued(ledger)
    assert again == events.ArtifactDiscardRequested(
        build_id=build.id, build_key=build.build_key, keys=tuple(late.targets), discard_id=late.id
    )
    await answered(ledger, [again])
    assert await ledger.discards() == []


async def test_object_goes_that_was_put_when_all_was_removed_and_nobody_said_so(
    ledger: Ledger, tmp_path: Path
) -> None:
    world = World(ledger, tmp_path / "state", random.Random(0), lossy=False)
    await world.submit("team", "weather")
    await world.some(1000)
    (build,) = await ledger.rows(Build)
    await ledger.delete_environment()
    await ledger.erase()
    await world.some(1000)
    # A worker that had read its input long ago, and died then.
    await ledger.store.put(artifact_key(ArtifactType.CONDA_PACK, build.build_key), b"late", "application/gzip")
    await ledger.erase()
    assert await ledger.count(Build) == [0]
    await world.settle()
    assert files_below(tmp_path / "objects") == set()
    assert world.on_disk() == set()
    assert await ledger.discards() == []


async def test_every_discard_is_requested_again_when_the_only_process_restarts(ledger: Ledger) -> None:
    _, lost = await deleted(ledger)
    ledger.later(1)
    assert len(await rescued(ledger, everything=True)) == 3
    ledger.later(1)
    assert len(await rescued(ledger, everything=True)) == 3
    await answered(ledger, lost)
    ledger.later(1)
    assert await rescued(ledger, everything=True) == []


async def test_many_discards_are_requested_again_in_one_round(ledger: Ledger) -> None:
    builds = [await ledger.submit(name=f"environment-{number}") for number in range(210)]
    async with ledger.transactions.begin() as transaction:
        for build in builds:
            await transaction.session.merge(Build(id=build.id, status="FAILED"))
    for build in builds:
        await ledger.delete(build)
    await ledger.take()
    ledger.later(11)
    again = await rescued(ledger)
    assert len({each.build_id for each in of_type(again, events.PrefixDiscardRequested)}) == 210
    assert await rescued(ledger) == []


async def test_discards_wait_when_the_broker_is_away(ledger: Ledger) -> None:
    await deleted(ledger)
    ledger.later(11)
    with pytest.raises(BusUnavailable):
        await rescued(ledger, AwayBus())
    assert len(await rescued(ledger)) == 3


async def test_discard_of_a_canceled_builds_prefix_is_requested_again_when_it_was_lost(ledger: Ledger) -> None:
    build = await ledger.solved()
    await ledger.cancel(build)
    await ledger.take()
    ledger.later(11)
    assert [type(message) for message in await rescued(ledger)] == [events.PrefixDiscardRequested]
    await ledger.complete(build)
    await answered(ledger)
    ledger.later(41)
    # The first one was never answered, though the prefix that came late is gone.
    assert [type(message) for message in await rescued(ledger)] == [events.PrefixDiscardRequested]


async def test_words_about_an_unknown_discard_change_nothing(ledger: Ledger) -> None:
    build = await ledger.completed()
    await ledger.apply(
        events.PrefixDiscarded(build_id=build.id, build_key=build.build_key, discard_id=""),
        events.ArtifactDiscarded(build_id=4711, build_key="gone", discard_id="x"),
        events.LinkDiscarded(environment_id=4711, discard_id="x"),
    )
    assert (await ledger.build(build.id)).size == 1000
    await ledger.apply(Attempt(build, PREFIX).product())
    assert (await ledger.build(build.id)).status == "COMPLETED"
