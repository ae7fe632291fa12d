"""A reader of a stream of server-sent events, who asks an application itself, and can stop reading and leave."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.types import ASGIApp

from conda_store_shared.testing.bus_messages import eventually

NO_HEADERS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Event:
    """A server-sent event; ``data`` is what its JSON says."""

    id: str | None
    type: str
    data: Any


def events_in(text: str) -> tuple[list[Event], str | None]:
    """Return the whole events of a stream, and the last id that was told."""
    found, last_id = [], None
    for block in text.split("\n\n")[:-1]:
        fields: dict[str, str] = {}
        for line in block.splitlines():
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        last_id = fields.get("id", last_id)
        if "data" in fields:
            found.append(Event(fields.get("id"), fields.get("event", "message"), json.loads(fields["data"])))
    return found, last_id


class StreamReader:
    """Sends one request; what it was answered so far is in ``text``."""

    def __init__(
        self, path: str = "/", *, method: str = "GET", headers: Mapping[str, str] = NO_HEADERS, **query: Any
    ) -> None:
        self.scope: dict[str, Any] = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": urlencode(query, doseq=True).encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }
        self.start: dict[str, Any] = {}
        self.text, self.complete = "", False
        self.reads, self.left = asyncio.Event(), asyncio.Event()
        self.reads.set()

    @property
    def status(self) -> int | None:
        """The status of the answer, once it has begun."""
        return self.start.get("status")

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the answer."""
        return {name.decode(): value.decode() for name, value in self.start["headers"]}

    @property
    def events(self) -> list[Event]:
        """The events so far."""
        return events_in(self.text)[0]

    @property
    def types(self) -> list[str]:
        """Their types."""
        return [event.type for event in self.events]

    @property
    def last_id(self) -> str | None:
        """What it would tell as Last-Event-ID."""
        return events_in(self.text)[1]

    async def has(self, count: int) -> None:
        """Return once so many events have come; raises TimeoutError."""
        await eventually(lambda: len(self.events) >= count)

    async def receive(self) -> dict[str, Any]:
        """Tell that the reader has left, once it has."""
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        """Take a part of the answer, as soon as it reads."""
        await self.reads.wait()
        if message["type"] == "http.response.start":
            self.start = message
            return
        self.text += message.get("body", b"").decode()
        self.complete = not message.get("more_body", False)

    async def read(self, application: ASGIApp) -> None:
        """Read until the answer ends, or the reader leaves."""
        await application(self.scope, self.receive, self.send)

    @asynccontextmanager
    async def reading(self, application: ASGIApp) -> AsyncIterator[asyncio.Task[None]]:
        """Read until the block ends, or the answer does; begins once something has come."""
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self.read(application))
            await eventually(lambda: self.text != "" or task.done())
            yield task
            self.left.set()
