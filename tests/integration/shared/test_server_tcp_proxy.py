"""The TCP proxy of the tests: each fault seen by a real client of a real server."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from conda_store_shared.testing.servers import TcpProxy

SIZE = 200_000


@pytest.fixture
def proxy() -> Iterator[TcpProxy]:
    """A proxy in front of a server that sends back the size of zeros its client asks for, line by line."""
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=serve_zeros, args=(listener,))
    thread.start()
    with TcpProxy(listener.getsockname()[1]) as proxy:
        yield proxy
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def serve_zeros(listener: socket.socket) -> None:
    """One client at a time, until the listener is closed."""
    with contextlib.suppress(OSError):
        while True:
            client, _address = listener.accept()
            with client, client.makefile("rb") as lines, contextlib.suppress(OSError):
                for line in lines:
                    client.sendall(bytes(int(line)))


def ask(client: socket.socket, size: int) -> int:
    """Ask for that many bytes; how many came before the end."""
    client.sendall(b"%d\n" % size)
    received = 0
    while received < size and (piece := client.recv(65536)):
        received += len(piece)
    return received


def connect(proxy: TcpProxy) -> socket.socket:
    """A client of the proxy."""
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=10)


def connect_and_ask(proxy: TcpProxy) -> None:
    """Ask twice: the first send may go out before the reset is seen."""
    with connect(proxy) as client:
        ask(client, 10)
        ask(client, 10)


def test_proxy_passes_everything_when_it_has_no_fault(proxy: TcpProxy) -> None:
    with connect(proxy) as client:
        assert ask(client, SIZE) == SIZE
        assert proxy.connections == 1


def test_proxy_holds_back_each_piece_when_delayed(proxy: TcpProxy) -> None:
    proxy.delay = 0.2
    with connect(proxy) as client:
        began = time.monotonic()
        assert ask(client, 10) == 10
        assert time.monotonic() - began >= 0.4


def test_proxy_is_slow_when_throttled(proxy: TcpProxy) -> None:
    proxy.bytes_per_second = SIZE
    with connect(proxy) as client:
        began = time.monotonic()
        assert ask(client, SIZE // 2) == SIZE // 2
        assert time.monotonic() - began >= 0.4


def test_proxy_lets_nothing_through_until_healed_when_it_is_a_black_hole(proxy: TcpProxy) -> None:
    with connect(proxy) as client:
        assert ask(client, 10) == 10
        proxy.black_hole = True
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            ask(client, 10)
        proxy.heal()
        client.settimeout(10)
        assert len(client.recv(10)) == 10


def test_proxy_resets_in_the_middle_of_the_stream_when_told_a_size(proxy: TcpProxy) -> None:
    proxy.cut_after = SIZE // 2
    with connect(proxy) as client, pytest.raises(ConnectionResetError):
        ask(client, SIZE)


def test_proxy_resets_open_connections_when_cut(proxy: TcpProxy) -> None:
    with connect(proxy) as client:
        assert ask(client, 10) == 10
        proxy.cut()
        with pytest.raises(ConnectionError):
            ask(client, 10)
    with connect(proxy) as client:
        assert ask(client, 10) == 10


def test_proxy_resets_new_connections_when_refusing(proxy: TcpProxy) -> None:
    proxy.refuse = True
    with pytest.raises(ConnectionError):
        connect_and_ask(proxy)


def test_proxy_resets_clients_when_its_server_is_down() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with TcpProxy(port) as proxy, pytest.raises(ConnectionError):
        connect_and_ask(proxy)
