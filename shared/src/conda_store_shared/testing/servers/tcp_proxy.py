"""A TCP proxy on loopback that delays, throttles, swallows, refuses, and cuts connections mid-stream."""

import contextlib
import select
import socket
import threading
import time
from typing import Self

CHUNK = 16 * 1024
POLL = 0.05


class TcpProxy:
    """Passes bytes between clients of `port` and a loopback port; its faults may be changed at any moment.

    `delay` holds back each piece, in seconds; `bytes_per_second` throttles each direction; `black_hole`
    keeps connections open and lets nothing through; `cut_after` resets a connection once that many bytes
    came back from the server; `refuse` closes new connections at once.
    """

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self.heal()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._listener.settimeout(POLL)
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def heal(self) -> None:
        """End every fault; connections that still live go on."""
        self.delay = 0.0
        self.bytes_per_second: float | None = None
        self.black_hole = False
        self.cut_after: int | None = None
        self.refuse = False

    def cut(self) -> None:
        """Reset every open connection now, in the middle of whatever it carries."""
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            _reset(connection)

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        with self._lock:
            return len(self._open) // 2

    def _accept(self) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(TimeoutError, OSError):
                client, _address = self._listener.accept()
                self._connect(client)

    def _connect(self, client: socket.socket) -> None:
        if self.refuse:
            _reset(client)
            return
        try:
            server = socket.create_connection(("127.0.0.1", self.target_port), timeout=5)
        except OSError:
            _reset(client)
            return
        for connection in (client, server):
            connection.setblocking(False)
        with self._lock:
            self._open |= {client, server}
        threading.Thread(target=self._serve, args=(client, server), daemon=True).start()

    def _serve(self, client: socket.socket, server: socket.socket) -> None:
        to_server = threading.Thread(target=self._pump, args=(client, server, False), daemon=True)
        to_server.start()
        self._pump(server, client, True)
        to_server.join()
        with self._lock:
            self._open -= {client, server}
        for connection in (client, server):
            connection.close()

    def _pump(self, source: socket.socket, sink: socket.socket, from_server: bool) -> None:
        passed = 0
        try:
            while piece := self._receive(source):
                limit = self.cut_after if from_server else None
                if limit is not None and passed + len(piece) >= limit:
                    self._send(sink, piece[: max(0, limit - passed)])
                    _reset(source)
                    _reset(sink)
                    return
                self._send(sink, piece)
                passed += len(piece)
            sink.shutdown(socket.SHUT_WR)
        except (OSError, ValueError):
            # One side is gone; let the other know.
            _reset(source)
            _reset(sink)

    def _receive(self, source: socket.socket) -> bytes:
        """The next piece, after whatever faults hold it back; empty at the end of the stream."""
        while not select.select([source], [], [], POLL)[0]:
            if self._ended.is_set():
                return b""
        rate = self.bytes_per_second
        piece = source.recv(CHUNK if rate is None else max(1, min(CHUNK, int(rate / 10))))
        pause = self.delay + (len(piece) / rate if rate else 0)
        self._ended.wait(pause)
        while self.black_hole and not self._ended.is_set():
            time.sleep(POLL)
        return piece

    def _send(self, sink: socket.socket, piece: bytes) -> None:
        # Never blocks inside the kernel, so that a reset from another thread takes effect at once.
        while piece and not self._ended.is_set():
            if select.select([], [sink], [], POLL)[1]:
                piece = piece[sink.send(piece) :]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._ended.set()
        self._listener.close()
        self.cut()


def _reset(connection: socket.socket) -> None:
    """Close with RST, so that the peer sees a broken connection and not an end of file."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    with contextlib.suppress(OSError):
        connection.close()
