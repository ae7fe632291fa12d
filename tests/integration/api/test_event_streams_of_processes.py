"""Api processes stream events from Postgres, and they and all they stand on are harmed in the middle of it."""

import asyncio
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from sqlalchemy import make_url

from conda_store_shared.testing.bus_messages import eventually
from conda_store_shared.testing.servers import TcpProxy, VirtualHosts
from conda_store_shared.testing.servers.conda_store import QUICK, SECRET, CommandProcess, start_together
from tests.integration.api.stream_follower import following
from tests.unit.api.api_client import CALLERS
from tests.unit.api.ledger_builders import Ledger
from tests.unit.api.streaming import STREAM, told, write

# A stream of a reader that has stopped reading: what the server's library keeps, and what waits in ours.
_STALLED, _BYTES_OF_STALLED = 6, 300_000


def make_replicas(directory: Path, count: int, **addresses: str) -> list[CommandProcess]:
    """Processes of api that are not started yet."""
    options: dict[str, Any] = {
        **QUICK,
        "CondaStore.database_url": addresses["database"],
        "Bus.url": addresses["broker"],
        "LocalStorage.storage_path": str(directory / "objects"),
        "AuthenticationBackend.secret": SECRET,
        "AuthenticationBackend.predefined_tokens": dict(CALLERS),
    }
    return [CommandProcess(("conda-store-api",), options) for _ in range(count)]


@contextmanager
def started(processes: list[CommandProcess]) -> Iterator[list[CommandProcess]]:
    """Start them; whatever is done to them, none is left."""
    try:
        start_together(processes)
        yield processes
    finally:
        for process in processes:
            process.discard()


def url_of(process: CommandProcess) -> str:
    """Where it listens."""
    return f"http://127.0.0.1:{process.port}"


@dataclass(frozen=True, slots=True)
class World:
    """Two replicas of api; database and broker are reached by proxies."""

    replicas: list[CommandProcess]
    database: TcpProxy
    broker: TcpProxy


@pytest.fixture
def broker_url(rabbitmq_server: VirtualHosts) -> str:
    """A broker of the test's own."""
    return rabbitmq_server.create_vhost()


@pytest.fixture
def world(postgres_url: str, broker_url: str, tmp_path: Path) -> Iterator[World]:
    """Two replicas of api, cut off from what they stand on at will."""
    database, broker = make_url(postgres_url), make_url(broker_url)
    with TcpProxy(database.port or 5432) as to_database, TcpProxy(broker.port or 5672) as to_broker:
        addresses = {"database": (database, to_database), "broker": (broker, to_broker)}
        through = {
            name: url.set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)
            for name, (url, proxy) in addresses.items()
        }
        with started(make_replicas(tmp_path, 2, **through)) as replicas:
            yield World(replicas, to_database, to_broker)


@pytest.fixture
def replica(postgres_url: str, broker_url: str, tmp_path: Path) -> Iterator[CommandProcess]:
    """One replica of api."""
    with started(make_replicas(tmp_path, 1, database=postgres_url, broker=broker_url)) as replicas:
        yield replicas[0]


@pytest.mark.timeout(120)
async def test_each_event_comes_once_whatever_happens_to_replicas_broker_and_database(
    world: World, ledger: Ledger
) -> None:
    first, second = world.replicas
    urls = [url_of(each) for each in world.replicas]
    async with following(urls) as reader, following(urls[1:]) as other:
        await write(ledger, *(told(actor=str(number)) for number in range(10)))
        await reader.has(10)

        # Killed; what happens until the reader has found the other one is not lost.
        await asyncio.to_thread(first.kill)
        await write(ledger, *(told(actor=str(number)) for number in range(10, 20)))
        await reader.has(20)
        await asyncio.to_thread(first.start)

        # Told to stop: it ends its streams in good order, before its patience with requests is over.
        await asyncio.to_thread(second.stop)
        await write(ledger, *(told(actor=str(number)) for number in range(20, 30)))
        await reader.has(30)
        assert reader.clean_ends == 1
        await asyncio.to_thread(second.start)
        await other.has(30)

        # Nobody reaches the broker, nor, for a while, the database: the streams stay.
        before = reader.connections
        world.broker.black_hole = True
        world.broker.cut()
        await write(ledger, told(actor="30"))
        await reader.has(31)
        world.database.refuse = True
        world.database.cut()
        await write(ledger, *(told(actor=str(number)) for number in range(31, 40)))
        await asyncio.sleep(1)  # so long it is away
        world.database.refuse = False
        await reader.has(40)
        await other.has(40)
        assert reader.connections == before
    for each in (reader, other):
        assert [event.data["actor"] for event in each.events] == [str(number) for number in range(40)]


@pytest.mark.timeout(120)
async def test_readers_that_stop_reading_cost_little_and_are_sent_the_rest_when_they_read_on(
    replica: CommandProcess, ledger: Ledger
) -> None:
    stalled = [_stalled(replica.port) for _ in range(_STALLED)]
    process = psutil.Process(replica.pid)
    async with following([url_of(replica)]) as swift:
        await write(ledger, told())
        await swift.has(1)
        before = process.memory_info().rss
        # 10 MB for each of them.
        for _ in range(20):
            await write(ledger, *(told("build.failed", detail="x" * 10_000) for _ in range(50)))
        await swift.has(1001)
        grown = process.memory_info().rss - before
    assert grown < _STALLED * _BYTES_OF_STALLED + 15_000_000
    ids = [event.id for event in swift.events]
    found = await asyncio.to_thread(_read_on, stalled[0], len(ids))
    assert found == ids
    for connection in stalled[1:]:
        connection.close()
    await eventually(lambda: _open_streams(replica) == 0)


def _stalled(port: int) -> socket.socket:
    """Ask for a stream, and read no more than its beginning."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(20)
    connection.connect(("127.0.0.1", port))
    connection.sendall(f"GET {STREAM} HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer admin\r\n\r\n".encode())
    connection.recv(100)
    return connection


def _read_on(connection: socket.socket, count: int) -> list[str]:
    """Read until so many events have come; return their ids."""
    data = b""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    with connection:
        while data.count(b"\nevent: ") < count:
            data += connection.recv(65536)
    return [found.decode() for found in re.findall(rb"id: (\d+)\nevent: ", data)]


def _open_streams(replica: CommandProcess) -> float:
    """How many streams a replica says are open."""
    found = re.search(r"^conda_store_open_streams (\S+)$", httpx.get(f"{url_of(replica)}/metrics").text, re.MULTILINE)
    assert found is not None
    return float(found[1])
