"""A bus over RabbitMQ that is told to stop at an awkward moment: while it connects, or tries to, or is cut off."""

import asyncio
import socket
from urllib.parse import urlsplit, urlunsplit

import aio_pika
import pytest

from conda_store_shared.bus.port import Subscription
from conda_store_shared.bus.rabbitmq import RabbitBus, RabbitOptions
from conda_store_shared.bus.waiting import within
from conda_store_shared.contracts.topology import SOLVER
from conda_store_shared.testing.bus_messages import SOLVE_QUEUE, eventually
from conda_store_shared.testing.servers import TcpProxy
from conda_store_shared.testing.suites.bus_suite import for_ever

# Far more than a stop takes, far less than the bus waits for its broker.
SOON = 10.0
PATIENT = 60.0
# How the first frame of a broker begins.
PIECE_OF_A_FRAME = b"\x01\x00\x00\x00\x00\x01\xf0"


def a_bus(url: str) -> RabbitBus:
    bus = RabbitBus(RabbitOptions(url=url, service=SOLVER, connect_timeout=PATIENT, answer_timeout=PATIENT))
    bus.subscribe(Subscription(handler=for_ever, queue=SOLVE_QUEUE))
    return bus


async def is_stopped(running: "asyncio.Task[None]") -> bool:
    """Whether a bus has ended soon after it is told to."""
    running.cancel()
    await asyncio.wait({running}, timeout=SOON)
    return running.cancelled()


async def is_stopped_after(seconds: float, bus: RabbitBus) -> bool:
    """Whether a bus has ended soon after it is told to, so many seconds after it began."""
    running = asyncio.create_task(bus.run())
    await asyncio.sleep(seconds)
    return await is_stopped(running)


async def test_bus_stops_and_leaves_nothing_when_it_is_told_to_at_any_moment_of_connecting(amqp_url: str) -> None:
    tasks = asyncio.all_tasks()
    for _ in range(4):
        stopped = await asyncio.gather(*(is_stopped_after(each / 100, a_bus(amqp_url)) for each in range(40)))
        assert all(stopped), stopped
        await eventually(lambda: asyncio.all_tasks() == tasks, SOON)


async def test_wait_is_cancelled_when_the_broker_closes_the_channel_in_that_moment(amqp_url: str) -> None:
    for turns in range(1, 60):
        async with await aio_pika.connect(amqp_url) as connection:
            channel = await connection.channel()
            closing = asyncio.create_task(within(SOON, channel.close()))
            for _ in range(turns):
                await asyncio.sleep(0)
            is_too_late = not closing.cancel()
            await asyncio.wait({closing})
            assert is_too_late or closing.cancelled(), turns


@pytest.mark.parametrize("answer", [b"", PIECE_OF_A_FRAME])
async def test_bus_stops_soon_when_the_broker_hangs_while_it_is_connecting(answer: bytes) -> None:
    async def hang(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        connected.append(writer)

    connected: list[asyncio.StreamWriter] = []
    tasks = asyncio.all_tasks()
    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with server:
        bus = asyncio.create_task(a_bus(f"amqp://127.0.0.1:{server.sockets[0].getsockname()[1]}").run())
        await eventually(lambda: len(connected) == 2)
        assert await is_stopped(bus)
        for writer in connected:
            writer.close()
    await eventually(lambda: asyncio.all_tasks() == tasks, SOON)


async def test_bus_stops_soon_when_its_connection_is_not_even_taken() -> None:
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as listener,
        # It waits to be taken, and there is no room for another.
        socket.create_connection(listener.getsockname()),
    ):
        bus = asyncio.create_task(a_bus(f"amqp://127.0.0.1:{listener.getsockname()[1]}").run())
        # Nothing tells that it is connecting.
        await asyncio.sleep(0.2)
        assert await is_stopped(bus)


async def test_bus_stops_when_it_is_told_to_as_its_connections_are_cut(amqp_url: str) -> None:
    parts = urlsplit(amqp_url)
    with TcpProxy(parts.port or 0) as proxy:
        url = urlunsplit(parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{proxy.port}"))
        buses = [a_bus(url) for _ in range(40)]
        running = [asyncio.create_task(bus.run()) for bus in buses]
        await eventually(lambda: all(bus.healthy for bus in buses))
        proxy.cut()
        stopping = []
        for each in running:
            # A turn of the loop apart: some are told before they see the cut, some as they see it, some after.
            await asyncio.sleep(0)
            stopping.append(asyncio.create_task(is_stopped(each)))
        stopped = await asyncio.gather(*stopping)
        assert all(stopped), stopped
