"""Two api processes deliver webhooks on Postgres and RabbitMQ, and are harmed in the middle of it."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import make_url

from conda_store_api.domain.webhook import DeliveryState
from conda_store_shared.testing.servers import TcpProxy, VirtualHosts
from conda_store_shared.testing.servers.conda_store import QUICK, SECRET, CommandProcess, start_together
from tests.unit.api.api_client import CALLERS
from tests.unit.api.deliveries_world import Deliveries, firsts, ids, opened, verified
from tests.unit.api.ledger_builders import Ledger

DELIVERED = DeliveryState.DELIVERED


@pytest.fixture
def deliveries(ledger: Ledger) -> Iterator[Deliveries]:
    """Webhooks of the ledger."""
    with opened(ledger) as deliveries:
        yield deliveries


@pytest.fixture
def broker(rabbitmq_server: VirtualHosts) -> Iterator[tuple[str, TcpProxy]]:
    """The address of a broker, and what may keep everybody from it."""
    address = make_url(rabbitmq_server.create_vhost())
    with TcpProxy(address.port or 5672) as proxy:
        yield address.set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False), proxy


@pytest.fixture
def replicas(broker: tuple[str, TcpProxy], postgres_url: str, tmp_path: Path) -> Iterator[list[CommandProcess]]:
    """Two of them."""
    options: dict[str, Any] = {
        **QUICK,
        "CondaStore.database_url": postgres_url,
        "Bus.url": broker[0],
        "LocalStorage.storage_path": str(tmp_path / "objects"),
        "AuthenticationBackend.secret": SECRET,
        "AuthenticationBackend.predefined_tokens": dict(CALLERS),
        "CondaStore.webhook_allowed_networks": ["127.0.0.1/32"],
    }
    processes = [CommandProcess(("conda-store-api",), options) for _number in range(2)]
    try:
        start_together(processes)
        yield processes
    finally:
        for process in processes:
            process.discard()


class Harm:
    """Sends a signal to the process that makes the next request, and lets the request hang."""

    def __init__(self, deliveries: Deliveries, number: signal.Signals) -> None:
        self._receiver = deliveries.receiver
        self._number = number
        self._reply = deliveries.receiver.reply
        self.pid = 0
        deliveries.receiver.reply = self

    def __call__(self, connection: socket.socket) -> None:
        self._receiver.reply = self._reply
        self.pid = sender_of(connection)
        os.kill(self.pid, self._number)


def sender_of(connection: socket.socket) -> int:
    """The process at the other end."""
    port = connection.getpeername()[1]
    pids = (each.pid for each in psutil.net_connections("tcp4") if each.laddr and each.laddr.port == port)
    return next(pid for pid in pids if pid and pid != os.getpid())


async def has_come(deliveries: Deliveries, events: list[str]) -> None:
    """Wait until the last of the events is delivered; all have come, in their order."""
    received = await deliveries.received(lambda received: events[-1] in ids(received))
    assert firsts(ids(received)) == events
    await deliveries.become(*[DELIVERED] * len(events))


@pytest.mark.timeout(120)
async def test_events_arrive_in_order_whatever_happens_to_replicas_and_broker(
    deliveries: Deliveries, replicas: list[CommandProcess], broker: tuple[str, TcpProxy]
) -> None:
    await deliveries.webhook(types=["build.*"])
    events = [event for _ in range(5) for event in await deliveries.happen()]
    await has_come(deliveries, events)
    # Once, however many replicas there are.
    assert ids(deliveries.receiver.received) == events

    # Killed when the event was sent, and nothing noted.
    killed = Harm(deliveries, signal.SIGKILL)
    events += await deliveries.happen()
    events += await deliveries.happen()
    await has_come(deliveries, events)
    dead, alive = sorted(replicas, key=lambda process: process.pid != killed.pid)
    assert ids(deliveries.receiver.received).count(events[5]) == 2
    dead.kill()
    dead.start()

    # Stopped, with all its connections open; it wakes up when another one has gone on.
    stopped = Harm(deliveries, signal.SIGSTOP)
    events += await deliveries.happen()
    events += await deliveries.happen()
    await has_come(deliveries, events)
    assert stopped.pid == alive.pid
    os.kill(stopped.pid, signal.SIGCONT)
    events += await deliveries.happen()
    await has_come(deliveries, events)

    # Nobody reaches the broker.
    broker[1].black_hole = True
    broker[1].cut()
    events += [event for _ in range(5) for event in await deliveries.happen()]
    await has_come(deliveries, events)
    for each in deliveries.receiver.received:
        verified(each)
