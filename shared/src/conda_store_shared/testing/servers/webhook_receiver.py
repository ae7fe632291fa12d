"""Takes webhooks, keeps them, and answers as a test likes: with a status, something that is no HTTP, or not at all."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from json import loads
from pathlib import Path
from typing import Any, Self

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A request as it came; names of headers are in lower case, ``at`` is a reading of ``time.monotonic``."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def event(self) -> dict[str, Any]:
        """The event in it."""
        event: dict[str, Any] = loads(self.body)
        return event

    @property
    def id(self) -> str:
        """Which message it is, whatever the attempt."""
        return self.headers["webhook-id"]


# What is written back, byte by byte as it stands; returns when all is said.
Reply = Callable[[socket.socket], None]


def says(status: int, *headers: str) -> Reply:
    """Answer with a status and header lines, and close."""
    head = "\r\n".join([f"HTTP/1.1 {status} Said", *headers, "Content-Length: 0", "Connection: close", "", ""])
    return writes(head.encode())


def writes(text: bytes) -> Reply:
    """Answer with bytes, whatever they are, and close."""
    return lambda connection: connection.sendall(text)


class WebhookReceiver:
    """A server on a loopback port; ``reply`` says what is answered, and may be changed at any time.

    What a path, without its query, has in ``replies`` is answered there instead.
    """

    def __init__(self, reply: Reply | None = None, *, certificate: Path | None = None, port: int = 0) -> None:
        """With the file of a ``certificate`` and its key it speaks TLS."""
        self.reply = reply or says(204)
        self.replies: dict[str, Reply] = {}
        self.received: list[Received] = []
        self.stopping = threading.Event()
        self._server = _Server((LOOPBACK, port), _handler(self))
        self._scheme = "http" if certificate is None else "https"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="webhooks", daemon=True
        )

    @property
    def port(self) -> int:
        """The port."""
        return self._server.server_port

    @property
    def url(self) -> str:
        """Its address, without a path."""
        return f"{self._scheme}://{LOOPBACK}:{self.port}"

    def hangs(self, _connection: socket.socket) -> None:
        """Answer nothing until the receiver ends."""
        self.stopping.wait(60)

    def await_received(self, wanted: Callable[[Sequence[Received]], bool], timeout: float = 30) -> list[Received]:
        """Wait until what has come is what is wanted; return it."""
        deadline = time.monotonic() + timeout
        while not wanted(received := list(self.received)):
            told = [(each.headers.get("webhook-id"), each.path) for each in received[-20:]]
            assert time.monotonic() < deadline, f"only {len(received)} have come, at last {told}"
            time.sleep(0.02)
        return received

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    # A test may have it come back to its port at once.
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: the client has gone."""


def _handler(receiver: WebhookReceiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self._answer(Received(path=self.path, headers=headers, body=body, at=time.monotonic()))

        def do_GET(self) -> None:
            self._answer(Received(path=self.path, headers={}, body=b"", at=time.monotonic()))

        def _answer(self, received: Received) -> None:
            receiver.received.append(received)
            self.close_connection = True
            receiver.replies.get(self.path.partition("?")[0], receiver.reply)(self.connection)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler
