"""The routes of api with what streams stand upon running, and its readers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from starlette.applications import Starlette

from conda_store_api.main import Parts
from conda_store_api.use_cases.event_notices import EventNotices
from conda_store_api.use_cases.follow_events.feed import EventFeed
from conda_store_shared.assembly.process import make_application
from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.config.server import CondaStoreServer
from conda_store_shared.db.models import PublicEvent
from conda_store_shared.domain.permission import RoleBinding
from conda_store_shared.domain.public_event import PublicEventType
from conda_store_shared.testing.bus_messages import eventually
from conda_store_shared.testing.public_events import NOON, an_event
from conda_store_shared.testing.stream_reader import StreamReader
from conda_store_shared.web.tokens import Token, TokenSigner
from tests.unit.api.api_client import Api, wire_api
from tests.unit.api.ledger_builders import Ledger

STREAM = "/api/v1/event/stream/"


@dataclass(frozen=True, slots=True)
class Streaming:
    """A replica of api, and those who read its streams."""

    api: Api
    application: Starlette
    feed: EventFeed
    readers: list[tuple[StreamReader, asyncio.Task[None]]] = field(default_factory=list)

    async def read(
        self, path: str = STREAM, caller: str | None = "admin", *, last_id: str | None = None, **query: Any
    ) -> StreamReader:
        """Open a stream that is read until the test ends, or whoever reads leaves."""
        headers = {"Authorization": f"Bearer {caller}"} if caller else {}
        if last_id is not None:
            headers["Last-Event-ID"] = last_id
        reader = StreamReader(path, headers=headers, **query)
        task = asyncio.create_task(reader.read(self.application))
        self.readers.append((reader, task))
        await eventually(lambda: reader.text != "" or task.done())
        return reader

    async def close(self) -> None:
        """Let every reader leave."""
        for reader, _ in self.readers:
            reader.reads.set()
            reader.left.set()
        await asyncio.gather(*(task for _, task in self.readers))


@asynccontextmanager
async def open_streaming(ledger: Ledger, **authorization: Any) -> AsyncIterator[Streaming]:
    """Wire a replica on the ledger's database; nothing but what streams need runs in the background."""
    parts = Parts(bus=MemoryBus(), store=ledger.store, database=ledger.database)
    process = wire_api(parts, ledger.policy, **authorization)
    owners = [(getattr(part, "__self__", None), part) for part in process.services[0].background]
    needed = [part for owner, part in owners if isinstance(owner, EventFeed | EventNotices)]
    feed = next(owner for owner, _ in owners if isinstance(owner, EventFeed))
    application = make_application(process, CondaStoreServer())
    tasks = [asyncio.ensure_future(part()) for part in needed]
    await asyncio.sleep(0)
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://conda-store.example", timeout=30) as client:
        streaming = Streaming(Api(client, ledger), application, feed)
        yield streaming
        await streaming.close()
    for task in tasks:
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(each, asyncio.CancelledError) for each in ended), ended


def a_token(seconds: float = 3600, token_id: str = "of-a-test", **roles: list[str]) -> str:
    """A signed token that counts for some seconds; roles are those in a namespace."""
    bindings = tuple(RoleBinding.parse(f"{name}/*", held) for name, held in roles.items())
    expires = datetime.now(UTC) + timedelta(seconds=seconds)
    return TokenSigner("s" * 32).sign(
        Token(expiration=expires, primary_namespace="somebody", bindings=bindings, token_id=token_id)
    )


def told(
    kind: str = "build.queued",
    namespace: str = "team",
    *,
    actor: str | None = None,
    time: datetime = NOON,
    **other: Any,
) -> PublicEvent:
    """An event that somebody made happen; ``other`` are its environment and data."""
    event = an_event(PublicEventType(kind), namespace, **other)
    event.actor, event.time = actor, time
    return event


async def write(ledger: Ledger, *events: PublicEvent) -> None:
    """Leave events in the log, in one transaction."""
    async with ledger.transactions.begin() as transaction:
        for event in events:
            transaction.record(event)
