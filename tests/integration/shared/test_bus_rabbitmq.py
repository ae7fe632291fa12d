"""The bus over a RabbitMQ that is left in peace."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from conda_store_shared.bus.backoff import Backoff
from conda_store_shared.bus.port import Subscription, has_nothing_waiting
from conda_store_shared.bus.rabbitmq import RabbitBus, RabbitOptions
from conda_store_shared.contracts.envelope import Envelope
from conda_store_shared.contracts.topology import SERVICES, SOLVER
from conda_store_shared.errors import BusUnavailable, DatabaseUnavailable, QueueMissing
from conda_store_shared.testing.bus_messages import (
    DEAD_SOLVE_QUEUE,
    SOLVE_QUEUE,
    Recorder,
    a_solve_request,
    depth_becomes,
    eventually,
    running,
)
from conda_store_shared.testing.servers import free_port
from conda_store_shared.testing.suites.bus_suite import NewBus, OnceBusSuite, for_ever

SOON = Backoff(first=0.02, longest=0.05)


class TestRabbitBus(OnceBusSuite):
    """The suite, and what only a broker shows."""

    @pytest.fixture
    def new_bus(self, amqp_url: str) -> NewBus:
        options = RabbitOptions(url=amqp_url, service=SOLVER, unavailable=SOON, crashed=SOON, publish_timeout=5)
        return lambda: RabbitBus(options)

    @pytest.fixture
    async def solve_queue(self, new_bus: NewBus) -> None:
        bus = new_bus()
        bus.subscribe(Subscription(handler=for_ever, queue=SOLVE_QUEUE))
        async with running(bus):
            pass

    @pytest.mark.usefixtures("solve_queue")
    async def test_bus_confirms_a_thousand_messages_side_by_side(self, new_bus: NewBus) -> None:
        bus = new_bus()
        async with running(bus):
            began = time.monotonic()
            await asyncio.gather(*(bus.publish(a_solve_request(build_id)) for build_id in range(1000)))
            # One after the other, each confirmation takes about a millisecond on an idle machine.
            assert time.monotonic() - began < 10
            await depth_becomes(bus, SOLVE_QUEUE, 1000)

    async def test_bus_raises_in_time_when_it_never_was_connected(self) -> None:
        bus = RabbitBus(RabbitOptions(url="amqp://127.0.0.1:1", service=SOLVER, publish_timeout=0.2))
        with pytest.raises(BusUnavailable):
            await bus.publish(a_solve_request())
        with pytest.raises(BusUnavailable):
            await bus.depth(SOLVE_QUEUE)

    async def test_bus_goes_on_trying_when_nobody_listens(self, logged: Sequence[Mapping[str, Any]]) -> None:
        url = f"amqp://user:secret@127.0.0.1:{free_port()}"
        bus = RabbitBus(RabbitOptions(url=url, service=SOLVER, publish_timeout=0.2, reconnect=SOON))
        running_bus = asyncio.create_task(bus.run())
        await eventually(lambda: len(logged) > 4)
        assert not bus.healthy
        assert "secret" not in str(logged)
        running_bus.cancel()
        await asyncio.wait({running_bus})
        assert running_bus.cancelled()

    async def test_instances_of_all_services_start_at_once_on_an_empty_broker(self, amqp_url: str) -> None:
        buses = [RabbitBus(RabbitOptions(url=amqp_url, service=service)) for service in SERVICES]
        for bus in buses:
            bus.subscribe(Subscription(handler=for_ever, queue=SOLVE_QUEUE))
        async with running(*buses):
            await asyncio.gather(*(bus.publish(a_solve_request(number)) for number, bus in enumerate(buses)))
            # Each takes one.
            await depth_becomes(buses[0], SOLVE_QUEUE, 0)

    async def test_bus_gives_a_message_back_at_once_when_its_consumer_never_started(self, new_bus: NewBus) -> None:
        bus, solver, later = new_bus(), Recorder(), new_bus()
        later.subscribe(Subscription(handler=solver, queue=SOLVE_QUEUE))
        async with running(bus):
            began = time.monotonic()
            with pytest.raises(QueueMissing, match=r"solve\.requested yet: its consumer has not started"):
                await bus.publish(a_solve_request(1))
            with pytest.raises(QueueMissing):
                await bus.depth(SOLVE_QUEUE)
            assert time.monotonic() - began < 4
            assert not await has_nothing_waiting(bus, SOLVE_QUEUE)
            async with running(later):
                await bus.publish(a_solve_request(2))
                await solver.wait_for(2)
                assert await has_nothing_waiting(bus, SOLVE_QUEUE)

    async def test_process_makes_no_queue_but_those_it_takes_from(self, new_bus: NewBus) -> None:
        bus = new_bus()
        bus.subscribe(Subscription(handler=for_ever, queue=DEAD_SOLVE_QUEUE))
        async with running(bus):
            assert await bus.depth(DEAD_SOLVE_QUEUE) == 0
            for queue in (SOLVE_QUEUE, "api.log.written"):
                with pytest.raises(QueueMissing):
                    await bus.depth(queue)

    async def test_bus_gives_a_message_back_when_infrastructure_is_missing_for_half_the_consumer_timeout(
        self, amqp_url: str, new_bus: NewBus
    ) -> None:
        async def miss(_envelope: Envelope) -> None:
            raise DatabaseUnavailable("no database")

        options = RabbitOptions(url=amqp_url, service=SOLVER, unavailable=SOON, consumer_timeout=1.0)
        impatient, missing = RabbitBus(options), Recorder(miss)
        impatient.subscribe(Subscription(handler=missing, queue=SOLVE_QUEUE))
        other, solver = new_bus(), Recorder()
        other.subscribe(Subscription(handler=solver, queue=SOLVE_QUEUE))
        async with running(impatient):
            await impatient.publish(a_solve_request(1))
            await eventually(lambda: len(missing.begun) > 3)
            async with running(other):
                await solver.wait_for(1)

    async def test_bus_keeps_dead_messages_when_nobody_can_handle_them(self, new_bus: NewBus) -> None:
        async def crash(_envelope: Envelope) -> None:
            raise RuntimeError("poison")

        bus = new_bus()
        undertaker = Recorder(crash)
        bus.subscribe(Subscription(handler=crash, queue=SOLVE_QUEUE))
        bus.subscribe(Subscription(handler=undertaker, queue=DEAD_SOLVE_QUEUE))
        async with running(bus):
            await bus.publish(a_solve_request(1))
            await eventually(lambda: len(undertaker.begun) > 25)
        later = new_bus()
        async with running(later):
            await depth_becomes(later, DEAD_SOLVE_QUEUE, 1)
