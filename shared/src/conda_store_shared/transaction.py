"""One transaction per request or message: rows and messages leave together; the only commit in the code base."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_shared.contracts.envelope import Envelope
from conda_store_shared.contracts.events import BuildEvent, Event
from conda_store_shared.db.engine import Database
from conda_store_shared.db.models.outbox import Outbox, PublicEvent
from conda_store_shared.telemetry import stages
from conda_store_shared.telemetry.traceparent import within

# Any number will do, as long as nothing else locks it.
_LOCK_EVENT_LOG = text(f"SELECT pg_advisory_xact_lock({0x636F6E64_61}), pg_notify(:channel, :payload)")
# The channel of notices that something happened to builds, by their ids; those that have no room are left out.
EVENT_NOTICES = "conda_store_event"
_MOST_NOTICED = 500
_INSERT_MESSAGES = insert(Outbox.__table__)  # type: ignore[arg-type]
_INSERT_EVENTS = insert(PublicEvent.__table__)  # type: ignore[arg-type]
_EVENT_COLUMNS = tuple(column.key for column in PublicEvent.__table__.c if not column.primary_key)


class Transaction:
    """A session together with the messages and public events that leave when it is committed."""

    def __init__(self, session: AsyncSession, service: str) -> None:
        self.session = session
        self._service = service
        self._messages: list[tuple[Event, str | None]] = []
        self._events: list[PublicEvent] = []

    def publish(self, event: Event, traceparent: str | None = None) -> None:
        """Send ``event`` once this transaction is committed.

        It is part of the trace that ``traceparent`` names; without one, of whatever is being done now.
        """
        self._messages.append((event, within(traceparent)))

    def record(self, event: PublicEvent) -> None:
        """Write a public event, last of all, so that the ids of all events are in the order of the commits."""
        self._events.append(event)

    @property
    def has_messages(self) -> bool:
        """Whether anything waits for the relay."""
        return bool(self._messages)

    @property
    def events(self) -> Sequence[PublicEvent]:
        """The public events of this transaction."""
        return self._events

    def noticed(self) -> str:
        """The builds that something happened to, as those are told who listen for public events."""
        builds = {event.build_id for event in self._events if event.build_id is not None}
        return " ".join(map(str, sorted(builds)[:_MOST_NOTICED]))

    async def _finish(self, is_postgres: bool) -> None:
        await self.session.flush()
        if self._messages:
            # One row after the other, by one statement: ids keep the order of the messages of a build.
            connection = await self.session.connection()
            await connection.execute(_INSERT_MESSAGES, [self._row_of(*message) for message in self._messages])
        if self._events:
            if is_postgres:
                await self.session.execute(_LOCK_EVENT_LOG, {"channel": EVENT_NOTICES, "payload": self.noticed()})
            connection = await self.session.connection()
            await connection.execute(_INSERT_EVENTS, [_values_of(event) for event in self._events])
        await self.session.commit()

    def _row_of(self, event: Event, traceparent: str | None) -> dict[str, Any]:
        bound = structlog.contextvars.get_contextvars()
        message_id = uuid.uuid4().hex
        message = Envelope(
            event=event,
            message_id=message_id,
            source=self._service,
            time=datetime.now(UTC),
            correlation_id=bound.get("correlation_id", message_id),
            traceparent=traceparent,
        ).encode()
        return {
            "service": self._service,
            "build_id": event.build_id if isinstance(event, BuildEvent) else None,
            "message_id": message.message_id,
            "routing_key": message.routing_key,
            "headers": dict(message.headers),
            "body": message.body,
        }


def _values_of(event: PublicEvent) -> dict[str, Any]:
    return {name: getattr(event, name) for name in _EVENT_COLUMNS}


class Transactions:
    """Opens transactions for one service; ``committed`` is set whenever messages wait for the relay."""

    def __init__(self, database: Database, service: str) -> None:
        self.database = database
        self.service = service
        self.committed = asyncio.Event()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Transaction]:
        """Open a transaction, committed when the block ends and rolled back when it raises.

        Raises DatabaseUnavailable when the database does not answer in time.
        """
        async with self.database.session(write=True) as session:
            transaction = Transaction(session, self.service)
            yield transaction
            await transaction._finish(self.database.is_postgres)
        for event in transaction.events:
            stages.recorded(event.type, event.data.get("code", ""))
        if transaction.events and not self.database.is_postgres:
            self.database.notices.tell(EVENT_NOTICES, transaction.noticed())
        if transaction.has_messages:
            self.committed.set()
