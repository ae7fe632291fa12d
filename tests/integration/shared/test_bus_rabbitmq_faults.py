"""The bus over a RabbitMQ that dies, hangs, forgets everything, or is cut off."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aio_pika
import pytest
import structlog

from conda_store_shared.bus.backoff import Backoff
from conda_store_shared.bus.port import Bus, Subscription
from conda_store_shared.bus.rabbitmq import RabbitBus, RabbitOptions
from conda_store_shared.contracts.envelope import Envelope
from conda_store_shared.contracts.events import BuildCanceled
from conda_store_shared.contracts.topology import API, SOLVER
from conda_store_shared.errors import BusUnavailable
from conda_store_shared.testing.bus_messages import (
    DEAD_SOLVE_QUEUE,
    SOLVE_QUEUE,
    Recorder,
    a_cancellation,
    a_solve_request,
    depth_becomes,
    eventually,
    running,
)
from conda_store_shared.testing.servers import RabbitMQ, TcpProxy

# Design, section 9: work goes on this many seconds after the broker is back.
RESUMED_AFTER = 15.0
# A queue declared a moment before the broker is killed is lost for good (RabbitMQ 3.10).
SETTLED = 2.5


@pytest.fixture(scope="module")
def broker() -> Iterator[RabbitMQ]:
    """A broker of our own, to hurt; it takes messages back after 3 s without acknowledgement."""
    broker = RabbitMQ(consumer_timeout=3)
    # How often it looks, in milliseconds; else once a minute.
    (broker.directory / "advanced.config").write_text("[{rabbit, [{channel_tick_interval, 500}]}].")
    with broker:
        yield broker


@pytest.fixture
def url(broker: RabbitMQ) -> Iterator[str]:
    broker.start()
    url = broker.create_vhost()
    yield url
    broker.delete_vhost(url)


@pytest.fixture
def proxy(broker: RabbitMQ) -> Iterator[TcpProxy]:
    with TcpProxy(broker.port) as proxy:
        yield proxy


@pytest.fixture(autouse=True)
def logged() -> Iterator[Sequence[Mapping[str, Any]]]:
    with structlog.testing.capture_logs() as logged:
        yield logged


def a_bus(url: str, *, publish_timeout: float = 10.0) -> RabbitBus:
    return RabbitBus(
        RabbitOptions(
            url=url,
            service=SOLVER,
            publish_timeout=publish_timeout,
            connect_timeout=2,
            answer_timeout=5,
            heartbeat=1,
            reconnect=Backoff(first=0.1, longest=1.0),
        )
    )


def through(proxy: TcpProxy, url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{proxy.port}"))


def joined_more_than(times: int, logged: Sequence[Mapping[str, Any]]) -> bool:
    return len([event for event in logged if event["event"] == "message_joined"]) > times


@contextlib.asynccontextmanager
async def publishing(bus: Bus, published: list[int]) -> AsyncIterator[None]:
    """Publish a request every few milliseconds until the end of the block, and note those the broker confirmed."""

    async def publish() -> None:
        build_id = 0
        while True:
            build_id += 1
            with contextlib.suppress(BusUnavailable):
                await bus.publish(a_solve_request(build_id))
                published.append(build_id)
            await asyncio.sleep(0.01)

    task = asyncio.create_task(publish())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_bus_resumes_and_loses_nothing_when_the_broker_is_killed(broker: RabbitMQ, url: str) -> None:
    publisher = RabbitBus(RabbitOptions(url=url, service=API))
    consumer, solver = RabbitBus(RabbitOptions(url=url, service=SOLVER)), Recorder()
    consumer.subscribe(Subscription(handler=solver, queue=SOLVE_QUEUE, concurrency=2))
    published: list[int] = []
    async with running(publisher, consumer), publishing(publisher, published):
        await asyncio.sleep(SETTLED)
        broker.kill()
        await eventually(lambda: not publisher.healthy and not consumer.healthy)
        await asyncio.to_thread(broker.start)
        confirmed, handled, back = len(published), len(solver.ended), time.monotonic()
        await eventually(lambda: len(published) > confirmed and len(solver.ended) > handled, RESUMED_AFTER)
        assert time.monotonic() - back < RESUMED_AFTER
        await asyncio.sleep(0.5)
        await solver.wait_for(*published)
    assert confirmed > 50


async def test_bus_declares_its_queues_again_when_the_broker_lost_its_data(broker: RabbitMQ, url: str) -> None:
    bus, solver, canceled = a_bus(url), Recorder(), Recorder()
    bus.subscribe(Subscription(handler=solver, queue=SOLVE_QUEUE))
    bus.subscribe(Subscription(handler=canceled, event=BuildCanceled))
    connections: list[float] = []

    async def note() -> None:
        connections.append(time.monotonic())

    bus.on_connected(note)
    async with running(bus):
        await bus.publish(a_solve_request(1))
        await solver.wait_for(1)
        await asyncio.to_thread(broker.wipe)
        await eventually(lambda: bus.healthy, RESUMED_AFTER)
        await bus.publish(a_solve_request(2))
        await bus.publish(a_cancellation(3))
        await solver.wait_for(2)
        await canceled.wait_for(3)
        assert await bus.depth(DEAD_SOLVE_QUEUE) == 0
    assert len(connections) >= 2


async def test_bus_raises_in_time_and_resumes_when_the_broker_hangs(broker: RabbitMQ, url: str) -> None:
    async def work(_envelope: Envelope) -> None:
        if len(solver.begun) == 1:
            await asyncio.sleep(2)

    bus, solver = a_bus(url, publish_timeout=1.5), Recorder(work)
    bus.subscribe(Subscription(handler=solver, queue=SOLVE_QUEUE))
    async with running(bus):
        await bus.publish(a_solve_request(1))
        await eventually(lambda: bool(solver.begun))
        broker.pause()
        try:
            began = time.monotonic()
            for _ in range(2):
                with pytest.raises(BusUnavailable):
                    await bus.publish(a_solve_request(2))
            with pytest.raises(BusUnavailable):
                await bus.depth(SOLVE_QUEUE)
            assert time.monotonic() - began < 6
            assert not bus.healthy
            # Work under way does not notice.
            await solver.wait_for(1)
        finally:
            broker.resume()
        await eventually(lambda: bus.healthy, RESUMED_AFTER)
        await bus.publish(a_solve_request(3))
        await solver.wait_for(3)


async def test_bus_joins_running_work_when_its_message_comes_back(
    proxy: TcpProxy, url: str, logged: Sequence[Mapping[str, Any]]
) -> None:
    async def work(_envelope: Envelope) -> None:
        await may_end.wait()

    bus, may_end = a_bus(through(proxy, url)), asyncio.Event()
    solver = Recorder(work)
    bus.subscribe(Subscription(handler=solver, queue=SOLVE_QUEUE))
    async with running(bus):
        await bus.publish(a_solve_request(1))
        await eventually(lambda: bool(solver.begun))
        for cut in range(3):
            proxy.cut()
            await eventually(partial(joined_more_than, cut, logged))
        may_end.set()
        await solver.wait_for(1)
        await bus.publish(a_solve_request(2))
        await solver.wait_for(2)
        await depth_becomes(bus, SOLVE_QUEUE, 0)
    assert len(solver.begun) == 2
    later, successor = a_bus(url), Recorder()
    later.subscribe(Subscription(handler=successor, queue=SOLVE_QUEUE))
    async with running(later):
        await asyncio.sleep(0.3)
    assert successor.begun == []


async def test_bus_joins_running_work_when_it_takes_longer_than_the_consumer_timeout(
    url: str, logged: Sequence[Mapping[str, Any]]
) -> None:
    async def work(_envelope: Envelope) -> None:
        await asyncio.sleep(5)

    bus, solver = a_bus(url), Recorder(work)
    bus.subscribe(Subscription(handler=solver, queue=SOLVE_QUEUE))
    async with running(bus):
        await bus.publish(a_solve_request(1))
        await solver.wait_for(1)
        await depth_becomes(bus, SOLVE_QUEUE, 0)
    assert len(solver.begun) == 1
    assert {"channel_lost", "message_joined"} <= {event["event"] for event in logged}


async def test_bus_loses_nothing_when_its_connections_are_cut_again_and_again(proxy: TcpProxy, url: str) -> None:
    async def work(_envelope: Envelope) -> None:
        await asyncio.sleep(0.005)

    bus, solver = a_bus(through(proxy, url)), Recorder(work)
    bus.subscribe(Subscription(handler=solver, queue=SOLVE_QUEUE, concurrency=3))
    published: list[int] = []
    async with running(bus), publishing(bus, published):
        for _ in range(4):
            await asyncio.sleep(0.7)
            proxy.cut()
        proxy.cut_after = 5000
        await asyncio.sleep(2)
        proxy.heal()
        confirmed = len(published)
        await eventually(lambda: len(published) > confirmed, RESUMED_AFTER)
        await solver.wait_for(*published)


async def test_bus_notices_when_the_network_swallows_everything(proxy: TcpProxy, url: str) -> None:
    bus, solver = a_bus(through(proxy, url)), Recorder()
    bus.subscribe(Subscription(handler=solver, queue=SOLVE_QUEUE))
    async with running(bus):
        proxy.black_hole = True
        await eventually(lambda: not bus.healthy)
        proxy.heal()
        await eventually(lambda: bus.healthy, RESUMED_AFTER)
        await bus.publish(a_solve_request(1))
        await solver.wait_for(1)


async def test_bus_declares_a_queue_again_when_somebody_deleted_it(url: str) -> None:
    bus, solver = a_bus(url), Recorder()
    bus.subscribe(Subscription(handler=solver, queue=SOLVE_QUEUE))
    async with running(bus):
        async with await aio_pika.connect(url) as connection:
            channel = await connection.channel()
            await channel.queue_delete(SOLVE_QUEUE)
        await eventually(lambda: not bus.healthy)
        await eventually(lambda: bus.healthy, RESUMED_AFTER)
        await bus.publish(a_solve_request(1))
        await solver.wait_for(1)
