"""Many readers of streams of events in one process, that note when each event came."""

import asyncio
import json
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self, cast
from urllib.parse import urlsplit

from benchmarks.load import WrongAnswer

_PATIENCE = 60.0
# So many connect at a time: more would overflow the queue of the socket.
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Arrival:
    """When an event came, and what it says."""

    at: float
    event: dict[str, Any]

    @property
    def seconds(self) -> float:
        """From when it happened, by its own word, until it was here."""
        return self.at - datetime.fromisoformat(self.event["time"]).timestamp()


@dataclass(slots=True)
class _Reader(asyncio.Protocol):
    request: bytes
    blocks: list[tuple[float, bytes]] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    rest: bytes = b""
    transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        self.transport = transport
        # uvloop's is none by its class.
        cast("asyncio.Transport", transport).write(self.request)

    def data_received(self, data: bytes) -> None:
        """Note each whole event."""
        now = time.time()
        *blocks, self.rest = (self.rest + data).split(b"\n\n")
        self.blocks += [(now, block) for block in blocks if b"\ndata: " in block]
        self.begun.set()


class StreamReaders:
    """Opens one stream for each target (path with query); to be used as an asynchronous context."""

    def __init__(self, url: str, token: str, targets: Sequence[str]) -> None:
        address = urlsplit(url)
        self._address = (address.hostname or "", address.port or 80)
        self._readers = [
            _Reader(
                f"GET {target} HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
            )
            for target in targets
        ]

    async def __aenter__(self) -> Self:
        for first in range(0, len(self._readers), _AT_ONCE):
            await asyncio.gather(*(self._open(reader) for reader in self._readers[first : first + _AT_ONCE]))
        return self

    async def __aexit__(self, *_: object) -> None:
        for reader in self._readers:
            if reader.transport is not None:
                reader.transport.close()

    async def arrivals(self, count: int) -> list[Arrival]:
        """Return what came, once it is ``count`` events in all; raises WrongAnswer when they do not come."""
        try:
            async with asyncio.timeout(_PATIENCE):
                while sum(len(reader.blocks) for reader in self._readers) < count:  # noqa: ASYNC110 - over all of them
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise WrongAnswer(f"not every reader was sent its events within {_PATIENCE:g} s") from None
        blocks = [block for reader in self._readers for block in reader.blocks]
        for reader in self._readers:
            reader.blocks = []
        return [Arrival(at, json.loads(block.partition(b"\ndata: ")[2].partition(b"\n")[0])) for at, block in blocks]

    async def _open(self, reader: _Reader) -> None:
        connected = socket.create_connection(self._address)
        connected.setblocking(False)
        await asyncio.get_running_loop().create_connection(lambda: reader, sock=connected)
        async with asyncio.timeout(_PATIENCE):
            await reader.begun.wait()
