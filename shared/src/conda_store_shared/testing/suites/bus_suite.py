"""What every Bus must do.  Subclass one of these and give it a fixture ``new_bus``: each call joins the same broker.

``BusSuite`` holds on a broker that delivers messages twice at random; ``OnceBusSuite`` on one that is left in peace.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest
import structlog

from conda_store_shared.bus.port import Bus, Subscription
from conda_store_shared.contracts.envelope import EncodedMessage, Envelope
from conda_store_shared.contracts.events import BuildCanceled
from conda_store_shared.contracts.topology import DELIVERY_LIMIT
from conda_store_shared.errors import DatabaseUnavailable, QueueMissing, UndecodableMessage
from conda_store_shared.testing.bus_messages import (
    DEAD_SOLVE_QUEUE,
    SOLVE_QUEUE,
    TRACEPARENT,
    Recorder,
    a_cancellation,
    a_solve_request,
    an_undecodable_message,
    build_id_of,
    depth_becomes,
    eventually,
    running,
)

NewBus = Callable[[], Bus]
# As many as a broker makes of one message that repeats itself.
SOME = range(1, 4)


async def for_ever(_envelope: Envelope) -> None:
    """Work that ends only by cancellation."""
    await asyncio.Event().wait()


class BusSuite:
    """Behaviour promised by the port."""

    @pytest.fixture(autouse=True)
    def logged(self) -> Iterator[Sequence[Mapping[str, Any]]]:
        """What the bus logs meanwhile."""
        with structlog.testing.capture_logs() as logged:
            yield logged

    @pytest.fixture
    async def solve_queue(self) -> None:
        """A queue which a consumer has made, and left; for brokers that make none by themselves."""

    async def test_public_event_that_nobody_hears_is_no_error(self, new_bus: NewBus) -> None:
        bus = new_bus()
        event = EncodedMessage(message_id="evt_1", routing_key="build.queued.a.b", headers={"type": "t"}, body=b"{}")
        async with running(bus):
            await bus.tell(event)

    async def test_bus_delivers_event_and_headers_when_published(self, new_bus: NewBus) -> None:
        bus, solver = new_bus(), Recorder()
        bus.subscribe(Subscription(handler=solver, queue=SOLVE_QUEUE))
        message = a_solve_request(7)
        async with running(bus):
            await bus.publish(message)
            await solver.wait_for(7)
        received = solver.ended[0]
        assert received.encode() == message
        assert (received.source, received.correlation_id, received.traceparent) == ("api", "request-1", TRACEPARENT)

    @pytest.mark.usefixtures("solve_queue")
    async def test_bus_keeps_messages_until_somebody_takes_them(self, new_bus: NewBus) -> None:
        bus = new_bus()
        async with running(bus):
            for build_id in range(3):
                await bus.publish(a_solve_request(build_id))
            assert await bus.depth(SOLVE_QUEUE) >= 3
        later, solver = new_bus(), Recorder()
        later.subscribe(Subscription(handler=solver, queue=SOLVE_QUEUE))
        async with running(later):
            await solver.wait_for(0, 1, 2)

    async def test_bus_delivers_again_when_consumer_stops_before_the_handler_returned(self, new_bus: NewBus) -> None:
        async def work(_envelope: Envelope) -> None:
            if len(solver.begun) == 1:
                await asyncio.Event().wait()

        bus, solver = new_bus(), Recorder(work)
        bus.subscribe(Subscription(handler=solver, queue=SOLVE_QUEUE))
        async with running(bus):
            await bus.publish(a_solve_request(1))
            await eventually(lambda: bool(solver.begun))
        assert solver.ended == []
        later = new_bus()
        later.subscribe(Subscription(handler=solver, queue=SOLVE_QUEUE))
        async with running(later):
            await solver.wait_for(1)

    @pytest.mark.parametrize("failure", [RuntimeError("a bug"), asyncio.CancelledError()])
    async def test_bus_delivers_again_when_handler_crashes(self, new_bus: NewBus, failure: BaseException) -> None:
        async def work(_envelope: Envelope) -> None:
            if len(solver.begun) < 3:
                raise failure

        bus, solver = new_bus(), Recorder(work)
        bus.subscribe(Subscription(handler=solver, queue=SOLVE_QUEUE))
        async with running(bus):
            await bus.publish(a_solve_request(1))
            await solver.wait_for(1)
            await depth_becomes(bus, SOLVE_QUEUE, 0)

    async def test_bus_moves_a_message_to_the_dead_queue_when_its_handler_always_crashes(
        self, new_bus: NewBus, logged: Sequence[Mapping[str, Any]]
    ) -> None:
        async def crash(envelope: Envelope) -> None:
            if build_id_of(envelope) == 1:
                raise RuntimeError("poison")

        bus, solver, undertaker = new_bus(), Recorder(crash), Recorder()
        bus.subscribe(Subscription(handler=solver, queue=SOLVE_QUEUE))
        bus.subscribe(Subscription(handler=undertaker, queue=DEAD_SOLVE_QUEUE))
        async with running(bus):
            await bus.publish(a_solve_request(1))
            await bus.publish(a_solve_request(2))
            await undertaker.wait_for(1)
            await solver.wait_for(2)
        crashes = [event for event in logged if event["event"] == "message_handler_crashed"]
        assert len(crashes) >= DELIVERY_LIMIT + 1
        assert all(crash["exc_info"] for crash in crashes)
        assert set(undertaker.build_ids) == {1}

    async def test_bus_moves_a_message_to_the_dead_queue_when_it_cannot_be_decoded(self, new_bus: NewBus) -> None:
        bus, solver = new_bus(), Recorder()
        bus.subscribe(Subscription(handler=solver, queue=SOLVE_QUEUE))
        async with running(bus):
            await bus.publish(an_undecodable_message())
            await bus.publish(a_solve_request(2))
            await solver.wait_for(2)
            await depth_becomes(bus, DEAD_SOLVE_QUEUE, SOME)
        assert set(solver.build_ids) == {2}

    async def test_bus_moves_a_message_to_the_dead_queue_when_handler_finds_it_undecodable(
        self, new_bus: NewBus
    ) -> None:
        async def misfit(_envelope: Envelope) -> None:
            raise UndecodableMessage("no such artifact type")

        bus, solver = new_bus(), Recorder(misfit)
        bus.subscribe(Subscription(handler=solver, queue=SOLVE_QUEUE))
        async with running(bus):
            await bus.publish(a_solve_request(1))
            await depth_becomes(bus, DEAD_SOLVE_QUEUE, SOME)

    @pytest.mark.parametrize("grouped", [False, True])
    async def test_bus_keeps_a_message_when_handler_misses_infrastructure(self, new_bus: NewBus, grouped: bool) -> None:
        async def work(_envelope: Envelope) -> None:
            if len(solver.begun) <= DELIVERY_LIMIT + 3:
                missing = DatabaseUnavailable("no database")
                raise ExceptionGroup("in a task group", [missing]) if grouped else missing

        bus, solver = new_bus(), Recorder(work)
        bus.subscribe(Subscription(handler=solver, queue=SOLVE_QUEUE))
        async with running(bus):
            await bus.publish(a_solve_request(1))
            await solver.wait_for(1)
            assert await bus.depth(DEAD_SOLVE_QUEUE) == 0

    async def test_bus_handles_as_many_messages_at_once_as_asked_when_many_wait(self, new_bus: NewBus) -> None:
        async def work(_envelope: Envelope) -> None:
            await asyncio.sleep(0.05)

        bus, solver = new_bus(), Recorder(work)
        bus.subscribe(Subscription(handler=solver, queue=SOLVE_QUEUE, concurrency=3))
        async with running(bus):
            for build_id in range(9):
                await bus.publish(a_solve_request(build_id))
            await solver.wait_for(*range(9))
        assert solver.most == 3

    async def test_bus_tells_every_instance_when_a_message_is_broadcast(self, new_bus: NewBus) -> None:
        buses, recorders = [new_bus(), new_bus()], [Recorder(), Recorder()]
        for bus, recorder in zip(buses, recorders, strict=True):
            bus.subscribe(Subscription(handler=recorder, event=BuildCanceled))
        async with running(*buses):
            await buses[0].publish(a_cancellation(5))
            for recorder in recorders:
                await recorder.wait_for(5)

    async def test_bus_goes_on_with_broadcasts_when_one_crashed(self, new_bus: NewBus) -> None:
        async def work(envelope: Envelope) -> None:
            if build_id_of(envelope) == 1:
                raise RuntimeError("a bug")

        bus, recorder = new_bus(), Recorder(work)
        bus.subscribe(Subscription(handler=recorder, event=BuildCanceled))
        async with running(bus):
            await bus.publish(a_cancellation(1))
            await bus.publish(a_cancellation(2))
            await recorder.wait_for(2)

    async def test_bus_takes_a_broadcast_that_nobody_listens_to(self, new_bus: NewBus) -> None:
        bus = new_bus()
        async with running(bus):
            await bus.publish(a_cancellation(1))

    @pytest.mark.usefixtures("solve_queue")
    async def test_bus_refuses_a_message_when_no_queue_takes_it(self, new_bus: NewBus) -> None:
        bus, message = new_bus(), a_solve_request()
        stray = EncodedMessage(
            message_id="stray", routing_key="nobody.asked", headers=message.headers, body=message.body
        )
        async with running(bus):
            with pytest.raises(QueueMissing):
                await bus.publish(stray)
            await bus.publish(message)

    @pytest.mark.usefixtures("solve_queue")
    async def test_bus_says_so_when_asked_for_the_depth_of_an_unknown_queue(self, new_bus: NewBus) -> None:
        bus = new_bus()
        async with running(bus):
            with pytest.raises(QueueMissing):
                await bus.depth("nobody.home")
            assert await bus.depth(SOLVE_QUEUE) == 0

    @pytest.mark.usefixtures("solve_queue")
    async def test_bus_tells_of_every_queue_there_is_when_asked_for_several(self, new_bus: NewBus) -> None:
        bus = new_bus()
        async with running(bus):
            found = await bus.look([SOLVE_QUEUE, "there.is.none", DEAD_SOLVE_QUEUE, "nor.this"])
        assert found == {SOLVE_QUEUE: (0, 0), DEAD_SOLVE_QUEUE: (0, 0)}

    @pytest.mark.usefixtures("solve_queue")
    async def test_bus_tells_how_many_take_from_a_queue(self, new_bus: NewBus) -> None:
        bus, taking = new_bus(), new_bus()
        async with running(bus):
            assert await bus.consumers(SOLVE_QUEUE) == 0
            with pytest.raises(QueueMissing):
                await bus.consumers("nobody.home")
        taking.subscribe(Subscription(handler=Recorder(), queue=SOLVE_QUEUE, concurrency=2))
        async with running(taking):
            assert await taking.consumers(SOLVE_QUEUE) == 2

    async def test_bus_publishes_at_once_when_handlers_are_slow(self, new_bus: NewBus) -> None:
        bus = new_bus()
        bus.subscribe(Subscription(handler=for_ever, queue=SOLVE_QUEUE))
        async with running(bus):
            began = time.monotonic()
            await asyncio.gather(*(bus.publish(a_solve_request(build_id)) for build_id in range(100)))
            assert time.monotonic() - began < 5

    async def test_bus_lets_a_handler_publish(self, new_bus: NewBus) -> None:
        async def cancel(envelope: Envelope) -> None:
            await bus.publish(a_cancellation(build_id_of(envelope)))

        bus, canceled = new_bus(), Recorder()
        bus.subscribe(Subscription(handler=cancel, queue=SOLVE_QUEUE))
        bus.subscribe(Subscription(handler=canceled, event=BuildCanceled))
        async with running(bus):
            await bus.publish(a_solve_request(4))
            await canceled.wait_for(4)

    async def test_bus_lets_a_handler_publish_a_last_word_when_it_is_cancelled(self, new_bus: NewBus) -> None:
        async def work(_envelope: Envelope) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                await bus.publish(a_solve_request(99))
                said.set()

        bus, said = new_bus(), asyncio.Event()
        solver = Recorder(work)
        bus.subscribe(Subscription(handler=solver, queue=SOLVE_QUEUE))
        async with running(bus):
            await bus.publish(a_solve_request(1))
            await eventually(lambda: bool(solver.begun))
        assert said.is_set()

    async def test_bus_begins_nothing_and_ends_what_runs_when_drained(self, new_bus: NewBus) -> None:
        async def work(_envelope: Envelope) -> None:
            await may_end.wait()

        bus, may_end = new_bus(), asyncio.Event()
        solver = Recorder(work)
        bus.subscribe(Subscription(handler=solver, queue=SOLVE_QUEUE))
        async with running(bus):
            await bus.publish(a_solve_request(1))
            await eventually(lambda: bool(solver.begun))
            await bus.publish(a_solve_request(2))
            await bus.drain()
            assert not bus.healthy
            may_end.set()
            await solver.wait_for(1)
            await asyncio.sleep(0.2)
            assert set(solver.build_ids) == {1}
            assert await bus.depth(SOLVE_QUEUE) >= 1
        later, successor = new_bus(), Recorder()
        later.subscribe(Subscription(handler=successor, queue=SOLVE_QUEUE))
        async with running(later):
            await eventually(lambda: 2 in successor.build_ids + solver.build_ids)

    async def test_bus_is_healthy_only_while_it_runs(self, new_bus: NewBus) -> None:
        bus = new_bus()
        bus.subscribe(Subscription(handler=for_ever, queue=SOLVE_QUEUE))
        assert not bus.healthy
        async with running(bus):
            assert bus.healthy
        assert not bus.healthy

    async def test_bus_calls_back_when_it_is_connected_even_if_one_callback_fails(self, new_bus: NewBus) -> None:
        async def fail() -> None:
            raise RuntimeError("a bug")

        async def note() -> None:
            called.set()

        bus, called = new_bus(), asyncio.Event()
        bus.on_connected(fail)
        bus.on_connected(note)
        async with running(bus):
            await asyncio.wait_for(called.wait(), 5)


class OnceBusSuite(BusSuite):
    """What holds besides while no connection is lost: each message is handled once, in order."""

    async def test_bus_handles_each_message_once_and_in_order_when_nothing_fails(self, new_bus: NewBus) -> None:
        bus, solver = new_bus(), Recorder()
        bus.subscribe(Subscription(handler=solver, queue=SOLVE_QUEUE))
        async with running(bus):
            for build_id in range(20):
                await bus.publish(a_solve_request(build_id))
            await solver.wait_for(19)
            assert await bus.depth(SOLVE_QUEUE) == 0
        assert solver.build_ids == list(range(20))

    async def test_bus_delivers_eleven_times_when_handler_always_crashes(self, new_bus: NewBus) -> None:
        async def crash(_envelope: Envelope) -> None:
            raise RuntimeError("poison")

        bus, solver = new_bus(), Recorder(crash)
        bus.subscribe(Subscription(handler=solver, queue=SOLVE_QUEUE))
        async with running(bus):
            await bus.publish(a_solve_request(1))
            await depth_becomes(bus, DEAD_SOLVE_QUEUE, 1)
        assert len(solver.begun) == DELIVERY_LIMIT + 1

    async def test_bus_shares_messages_among_instances_when_there_are_two(self, new_bus: NewBus) -> None:
        async def work(_envelope: Envelope) -> None:
            await asyncio.sleep(0.05)

        buses, recorders = [new_bus(), new_bus()], [Recorder(work), Recorder(work)]
        for bus, recorder in zip(buses, recorders, strict=True):
            bus.subscribe(Subscription(handler=recorder, queue=SOLVE_QUEUE))
        async with running(*buses):
            for build_id in range(10):
                await buses[0].publish(a_solve_request(build_id))
            await eventually(lambda: sum(len(recorder.ended) for recorder in recorders) == 10)
        assert all(recorder.ended for recorder in recorders)

    async def test_bus_counts_what_waits_and_not_what_is_handled(self, new_bus: NewBus) -> None:
        bus, solver = new_bus(), Recorder(for_ever)
        bus.subscribe(Subscription(handler=solver, queue=SOLVE_QUEUE, concurrency=2))
        async with running(bus):
            for build_id in range(5):
                await bus.publish(a_solve_request(build_id))
            await eventually(lambda: len(solver.begun) == 2)
            await depth_becomes(bus, SOLVE_QUEUE, 3)
