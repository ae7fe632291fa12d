"""Somebody who follows events at one replica after the other, as browsers do: going on where the last stream ended."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from conda_store_shared.testing.bus_messages import eventually
from conda_store_shared.testing.stream_reader import Event, events_in
from tests.unit.api.streaming import STREAM

_RETRY = 0.1


@dataclass(slots=True)
class Follower:
    """What was sent, over how many connections; ``clean_ends`` of them were ended by the server in good order."""

    urls: Sequence[str]
    caller: str
    events: list[Event] = field(default_factory=list)
    connections: int = 0
    clean_ends: int = 0
    last_id: str | None = None

    async def has(self, count: int) -> None:
        """Wait until so many events have come."""
        await eventually(lambda: len(self.events) >= count, 30)

    async def follow(self) -> None:
        """Follow until cancelled."""
        async with httpx.AsyncClient(trust_env=False, timeout=httpx.Timeout(30, connect=2)) as client:
            for url in itertools.cycle(self.urls):
                try:
                    await self._read(client, url)
                    self.clean_ends += 1
                except httpx.HTTPError:
                    pass
                await asyncio.sleep(_RETRY)

    async def _read(self, client: httpx.AsyncClient, url: str) -> None:
        headers = {"Authorization": f"Bearer {self.caller}"}
        if self.last_id is not None:
            headers["Last-Event-ID"] = self.last_id
        async with client.stream("GET", url + STREAM, headers=headers) as answer:
            answer.raise_for_status()
            self.connections += 1
            text = ""
            async for piece in answer.aiter_text():
                whole, end, text = (text + piece).rpartition("\n\n")
                found, last_id = events_in(whole + end)
                self.events += found
                self.last_id = last_id or self.last_id


@asynccontextmanager
async def following(urls: Sequence[str], caller: str = "admin") -> AsyncIterator[Follower]:
    """Follow while the block runs, from before it begins."""
    follower = Follower(urls, caller)
    task = asyncio.create_task(follower.follow())
    await eventually(lambda: follower.last_id is not None, 30)
    yield follower
    task.cancel()
    await asyncio.wait([task])
