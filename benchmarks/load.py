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
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    connections = []
    for number in range(clients):
        first = number % len(requests)
        _, client = await loop.create_connection(
            lambda first=first: _Client([*requests[first:], *requests[:first]], began + seconds),  # type: ignore[misc]
            host,
            port,
        )
        connections.append(client)
    async with asyncio.timeout(seconds + _PATIENCE):
        await asyncio.gather(*(client.done for client in connections))
    elapsed = time.perf_counter() - began
    return Load(seconds=[one for client in connections for one in client.seconds], elapsed=elapsed)


def _request(target: str, host: str, token: str) -> bytes:
    return (
        f"GET {target} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nAccept: application/json\r\n\r\n"
    ).encode()


class _Client(asyncio.Protocol):
    """One connection; reads no more of an answer than its status and length."""

    def __init__(self, requests: Sequence[bytes], until: float) -> None:
        self.seconds: list[float] = []
        self.done = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._until = until
        self._head = b""
        self._missing = 0
        self._sent = 0.0
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
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
            self._missing = int(length[1]) - (len(self._head) - end - 4)
        else:
            self._missing -= len(data)
        if self._missing == 0:
            self._answered()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self._fail(repr(error).encode())

    def _send(self) -> None:
        self._head = b""
        self._sent = time.perf_counter()
        self._transport.write(self._requests[len(self.seconds) % len(self._requests)])

    def _answered(self) -> None:
        now = time.perf_counter()
        self.seconds.append(now - self._sent)
        if now < self._until:
            self._send()
        else:
            self.done.set_result(None)
            self._transport.close()

    def _fail(self, told: bytes) -> None:
        self.done.set_exception(WrongAnswer(told.decode(errors="replace")))
        self._transport.close()
