"""The bus within one process, left in peace and with messages delivered twice at random."""

import asyncio

import pytest

from conda_store_shared.bus.backoff import Backoff
from conda_store_shared.bus.consumer import Patience
from conda_store_shared.bus.memory import MemoryBus, MemoryOptions
from conda_store_shared.bus.port import Bus, Subscription
from conda_store_shared.contracts.events import BuildCanceled
from conda_store_shared.testing.bus_messages import SOLVE_QUEUE, Recorder, a_cancellation, a_solve_request, running
from conda_store_shared.testing.suites.bus_suite import BusSuite, NewBus, OnceBusSuite

pytestmark = pytest.mark.slow

SOON = Patience(unavailable=Backoff(first=0.005, longest=0.01), crashed=Backoff(first=0.005, longest=0.01))


def returning(bus: Bus) -> NewBus:
    """Within one process, joining the broker is sharing the bus."""
    return lambda: bus


class TestMemoryBus(OnceBusSuite):
    """Each message once."""

    @pytest.fixture
    def new_bus(self) -> NewBus:
        return returning(MemoryBus(MemoryOptions(patience=SOON)))

    async def test_bus_keeps_a_copy_when_the_publisher_changes_its_headers(self, new_bus: NewBus) -> None:
        bus, solver = new_bus(), Recorder()
        bus.subscribe(Subscription(handler=solver, queue=SOLVE_QUEUE))
        message = a_solve_request(1)
        await bus.publish(message)
        assert isinstance(message.headers, dict)
        message.headers.clear()
        async with running(bus):
            await solver.wait_for(1)

    async def test_bus_refuses_a_subscription_when_the_topology_lacks_its_queue(self, new_bus: NewBus) -> None:
        with pytest.raises(ValueError, match="no queue"):
            new_bus().subscribe(Subscription(handler=Recorder(), queue="solver.solved"))

    async def test_bus_leaves_others_their_turn_when_a_handler_waits_for_nothing(self, new_bus: NewBus) -> None:
        bus, solver, canceled = new_bus(), Recorder(), Recorder()
        bus.subscribe(Subscription(handler=solver, queue=SOLVE_QUEUE))
        bus.subscribe(Subscription(handler=canceled, event=BuildCanceled))
        async with running(bus):
            for build_id in range(500):
                await bus.publish(a_solve_request(build_id))
            await bus.publish(a_cancellation(1))
            await canceled.wait_for(1)
            assert len(solver.ended) < 500
            await solver.wait_for(499)

    async def test_bus_does_not_count_a_stop_as_a_delivery(self, new_bus: NewBus) -> None:
        bus, solver = new_bus(), Recorder(lambda _envelope: asyncio.sleep(60))
        bus.subscribe(Subscription(handler=solver, queue=SOLVE_QUEUE))
        await bus.publish(a_solve_request(1))
        for _ in range(15):
            async with running(bus):
                await asyncio.sleep(0.01)
        assert await bus.depth(SOLVE_QUEUE) == 1


@pytest.mark.parametrize("seed", range(3))
class TestMemoryBusWithDuplicates(BusSuite):
    """Many messages twice, beside each other or one after the other."""

    @pytest.fixture
    def new_bus(self, seed: int) -> NewBus:
        return returning(MemoryBus(MemoryOptions(patience=SOON, duplicates=0.6, seed=seed)))

    async def test_bus_delivers_some_messages_twice_and_none_for_ever(self, new_bus: NewBus) -> None:
        bus, solver = new_bus(), Recorder()
        bus.subscribe(Subscription(handler=solver, queue=SOLVE_QUEUE, concurrency=2))
        async with running(bus):
            for build_id in range(100):
                await bus.publish(a_solve_request(build_id))
            await solver.wait_for(*range(100))
            await asyncio.sleep(0.1)
        assert 120 < len(solver.ended) < 260
