"""Which builds run, and which wait (design §3.5)."""

from conda_store_shared.contracts import events
from conda_store_shared.domain.order import Order
from conda_store_shared.domain.stage import SOLVE
from conda_store_shared.domain.storage_keys import order_key
from tests.unit.api.ledger_builders import Attempt, Ledger, of_type


async def released_names(ledger: Ledger) -> list[str]:
    """The environments whose solve was requested, in that order."""
    requests = of_type(await ledger.take(), events.SolveRequested)
    return [request.build_key.split("-", 3)[3] for request in requests]


async def test_order_is_in_the_store_before_the_request_when_a_build_is_released(ledger: Ledger) -> None:
    build = await ledger.submit()
    assert await ledger.release() == 1
    (request,) = of_type(await ledger.take(), events.SolveRequested)
    order = Order.from_bytes(await ledger.store.get(order_key(build.build_key), 100_000))
    assert (order.build_id, order.build_key, order.digest) == (build.id, build.build_key, request.order_digest)
    assert (await ledger.stages(build))[SOLVE].state == "requested"
    assert (await ledger.build(build.id)).released_on == ledger.now


async def test_builds_wait_when_the_suite_is_full(ledger: Ledger) -> None:
    builds = [await ledger.submit(name=f"e{number}") for number in range(5)]
    assert await ledger.release(capacity=2) == 2
    assert await ledger.release(capacity=2) == 0
    assert await released_names(ledger) == ["e0", "e1"]
    await ledger.apply(Attempt(builds[0], SOLVE).failed("unsatisfiable"))
    assert await ledger.release(capacity=2) == 1
    assert await released_names(ledger) == ["e2"]
    assert (await ledger.build(builds[4].id)).status == "QUEUED"


async def test_completed_build_makes_room_when_its_artifacts_are_still_made(ledger: Ledger) -> None:
    await ledger.completed()
    await ledger.submit(name="next")
    assert await ledger.release(capacity=1) == 1


async def test_namespaces_take_turns_when_one_asks_for_much(ledger: Ledger) -> None:
    for number in range(4):
        await ledger.submit("greedy", f"greedy{number}")
    for number in range(2):
        await ledger.submit("modest", f"modest{number}")
    await ledger.release(capacity=4)
    assert await released_names(ledger) == ["greedy0", "modest0", "greedy1", "modest1"]


async def test_running_builds_count_when_it_is_whose_turn(ledger: Ledger) -> None:
    for number in range(2):
        await ledger.submit("greedy", f"greedy{number}")
    await ledger.release()
    await ledger.take()
    await ledger.submit("greedy", "greedy2")
    await ledger.submit("modest", "modest0")
    await ledger.release(capacity=3)
    assert await released_names(ledger) == ["modest0"]


async def test_namespace_waits_when_it_has_as_many_as_it_may(ledger: Ledger) -> None:
    for number in range(3):
        await ledger.submit("greedy", f"greedy{number}")
    assert await ledger.release(per_namespace=2) == 2
    assert await ledger.release(per_namespace=2) == 0


async def test_scheduled_builds_wait_when_interactive_ones_are_there(ledger: Ledger) -> None:
    await ledger.submit("a", "nightly", scheduled=True)
    await ledger.submit("a", "mine")
    await ledger.submit("b", "other-nightly", scheduled=True)
    await ledger.release(capacity=1)
    assert await released_names(ledger) == ["mine"]


async def test_released_build_waits_for_nothing_when_released_again(ledger: Ledger) -> None:
    await ledger.submit()
    assert [await ledger.release(), await ledger.release()] == [1, 0]
    assert len(await ledger.take()) == 1
