"""Clients that cost little: raw HTTP/1.1 on kept connections, each sending its next request when it has its answer."""

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

import uvloop

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
# What a gateway says with the last answer it gives on a connection.
_CLOSING = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_PATIENCE = 30.0


class WrongAnswer(Exception):
    """An answer that was to be measured was none of success, or did not come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What was answered: ``seconds`` of each request, ``elapsed`` from the first to the last."""

    seconds: Sequence[float]
    elapsed: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.seconds) / self.elapsed


def load(url: str, targets: Sequence[str], token: str, *, clients: int, seconds: float) -> Load:
    """Ask for ``targets`` (paths with queries) in turn for a while; raises WrongAnswer."""
    try:
        return uvloop.run(_load(url, targets, token, clients, seconds))
    except (OSError, TimeoutError) as error:
        raise WrongAnswer(repr(error)) from error


async def _load(url: str, targets: Sequence[str], token: str, clients: int, seconds: float) -> Load:
    address = urlsplit(url)
    host, port = address.hostname or "", address.port or 80
    requests = [_request(target, address.netloc, token) for target in targets]
    began = time.perf_counter()
    turns = [number % len(requests) for number in range(clients)]
    asked = [_Client([*requests[first:], *requests[:first]], began + seconds) for first in turns]
    async with asyncio.timeout(seconds + _PATIENCE):
        await asyncio.gather(*(_ask(client, host, port) for client in asked))
    elapsed = time.perf_counter() - began
    return Load(seconds=[one for client in asked for one in client.seconds], elapsed=elapsed)


async def _ask(client: "_Client", host: str, port: int) -> None:
    """On one connection after the other, until the client has asked for long enough."""
    loop = asyncio.get_running_loop()
    while not client.is_over:
        client.closed = loop.create_future()
        await loop.create_connection(lambda: client, host, port)
        await client.closed


def _request(target: str, host: str, token: str) -> bytes:
    return (
        f"GET {target} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nAccept: application/json\r\n\r\n"
    ).encode()


class _Client(asyncio.Protocol):
    """One connection; reads no more of an answer than its status and length."""

    def __init__(self, requests: Sequence[bytes], until: float) -> None:
        self.seconds: list[float] = []
        self.closed: asyncio.Future[None]
        self._requests = requests
        self._until = until
        self._head = b""
        self._missing = 0
        self._is_last = self._is_done = False
        self._sent = 0.0
        self._transport: asyncio.WriteTransport

    @property
    def is_over(self) -> bool:
        """Whether it has asked for long enough."""
        return time.perf_counter() >= self._until

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._is_done = False
        self._send()

    def data_received(self, data: bytes) -> None:
        if self._missing == 0:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            length = _LENGTH.search(self._head, 0, end)
            if not self._head.startswith(b"HTTP/1.1 200 ") or length is None:
                self._fail(self._head[: end + 500])
                return
            self._is_last = _CLOSING.search(self._head, 0, end) is not None
            self._missing = int(length[1]) - (len(self._head) - end - 4)
        else:
            self._missing -= len(data)
        if self._missing == 0:
            self._answered()

    def connection_lost(self, error: Exception | None) -> None:
        if self._is_done:
            self.closed.set_result(None)
        elif not self.closed.done():
            self._fail(f"the connection was closed before the answer: {error}".encode())

    def _send(self) -> None:
        self._head = b""
        self._sent = time.perf_counter()
        self._transport.write(self._requests[len(self.seconds) % len(self._requests)])

    def _answered(self) -> None:
        now = time.perf_counter()
        self.seconds.append(now - self._sent)
        if now < self._until and not self._is_last:
            self._send()
        else:
            self._is_done = True
            self._transport.close()

    def _fail(self, told: bytes) -> None:
        if not self.closed.done():
            self.closed.set_exception(WrongAnswer(told.decode(errors="replace")))
        self._transport.close()
