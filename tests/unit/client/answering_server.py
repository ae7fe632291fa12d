"""A server that gives prepared answers, to see what a client makes of them."""

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; of ``body`` only the first ``sent`` bytes are sent when the connection is to break.

    Instead of a ``body``, ``pieces`` are sent as they come, and the connection ends with them.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    sent: int | None = None
    pieces: Iterable[bytes] | None = None


Responder = Callable[[Asked], Answer]


def data(value: Any) -> Answer:
    """An answer in the usual envelope."""
    return Answer(200, json.dumps({"status": "ok", "data": value, "message": None}).encode())


def error(status: int, message: str) -> Answer:
    """A refusal in the usual envelope."""
    return Answer(status, json.dumps({"status": "error", "message": message}).encode())


def in_turn(*answers: Answer | Responder) -> Responder:
    """Give these answers one after the other, and the last one for ever."""
    coming = list(answers)

    def answer(asked: Asked) -> Answer:
        found = coming.pop(0) if len(coming) > 1 else coming[0]
        return found if isinstance(found, Answer) else found(asked)

    return answer


def stream(*pieces: str) -> Answer:
    """A stream of server-sent events, which asks to be tried again at once when it has ended."""
    return Answer(
        headers={"Content-Type": "text/event-stream; charset=utf-8"},
        pieces=[b"retry: 1\n", *(piece.encode() for piece in pieces)],
    )


def redirect(target: str, status: int = 307) -> Answer:
    """A redirect."""
    return Answer(status, headers={"Location": target})


class AnsweringServer:
    """Answers on 127.0.0.1 while it is entered; ``routes`` maps paths to answers, ``asked`` is what came."""

    def __init__(self, port: int = 0) -> None:
        self.routes: dict[str, Answer | Responder] = {}
        self.asked: list[Asked] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def paths(self) -> list[str]:
        """The paths asked for, in order."""
        return [asked.path for asked in self.asked]

    def _answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        found = self.routes.get(asked.path, Answer(404, b'{"detail":"Not Found"}'))
        return found if isinstance(found, Answer) else found(asked)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            # Each request on a connection of its own, so that a server that ends is really gone.
            protocol_version = "HTTP/1.0"

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

            def handle_any(self) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asked = Asked(self.command, parts.path, parse_qs(parts.query), dict(self.headers), body)
                answer = server._answer(asked)
                self.send_response(answer.status)
                length = {} if answer.pieces else {"Content-Length": str(len(answer.body))}
                for name, value in {**length, **answer.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                for piece in answer.pieces or [answer.body[: answer.sent]]:
                    self.wfile.write(piece)

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815  the names http.server calls

        return Handler
