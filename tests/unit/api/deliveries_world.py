"""Webhooks that are delivered: rows of them, a receiver, and dispatchers that try again within moments."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from standardwebhooks.webhooks import Webhook as Verifier

from conda_store_api.adapters.http_webhook_sender import HttpWebhookSender
from conda_store_api.domain.delivery_schedule import DeliverySchedule
from conda_store_api.domain.webhook import DeliveryKind, DeliveryState, WebhookState, secret_of
from conda_store_api.domain.webhook_address import parse_networks
from conda_store_api.use_cases.deliveries.dispatcher import Dispatcher
from conda_store_api.use_cases.deliveries.tools import DeliveryOptions, DeliveryTools
from conda_store_api.use_cases.event_notices import EventNotices
from conda_store_shared.db.engine import Database
from conda_store_shared.db.models import (
    Namespace,
    NamespaceRoleMapping,
    PublicEvent,
    Webhook,
    WebhookDelivery,
    WebhookSecret,
)
from conda_store_shared.db.moments import now
from conda_store_shared.db.turns import Turn
from conda_store_shared.domain.public_event import PublicEventType
from conda_store_shared.testing.public_events import an_event
from conda_store_shared.testing.servers.webhook_receiver import Received, WebhookReceiver
from conda_store_shared.transaction import Transactions
from conda_store_shared.web.authentication import Authenticator, AuthorizationOptions
from conda_store_shared.web.rights import DatabaseRights
from tests.unit.api.ledger_builders import Ledger

COMPLETED = PublicEventType.BUILD_COMPLETED
# Seconds for which the rights of owners are known.
RIGHTS = 0.0
ADMIN = {"*/*": ["admin"]}
SECRET = secret_of(b"0" * 32)
OTHER_SECRET = secret_of(b"1" * 32)
# Ten attempts within half a second.
QUICKLY = DeliveryOptions(schedule=DeliverySchedule(pauses=(0.05,) * 9, jitter=0.0, longest=2.0), look=0.1)
LOCAL = parse_networks(["127.0.0.1/32"])
Wanted = Callable[[Sequence[Received]], bool]


class Deliveries:
    """Webhooks of a database, and those who deliver to them."""

    def __init__(self, ledger: Ledger, receiver: WebhookReceiver) -> None:
        self.ledger = ledger
        self.receiver = receiver
        # What the dispatcher that began last stands on.
        self.database = ledger.database

    async def webhook(self, path: str = "/hook", **values: Any) -> int:
        """Make a webhook of somebody who may do everything, told of all; return its id."""
        row = {
            "url": values.pop("url", f"{self.receiver.url}{path}"),
            "description": "",
            "owner": "ann",
            "owner_bindings": ADMIN,
            "types": [],
            "state": WebhookState.ACTIVE,
            "position": 0,
            "created_on": now(),
            "updated_on": now(),
            **values,
        }
        async with self.ledger.transactions.begin() as transaction:
            webhook = Webhook(**row)
            transaction.session.add(webhook)
            await transaction.session.flush()
            transaction.session.add(WebhookSecret(webhook_id=webhook.id, secret=SECRET, created_on=now()))
            return webhook.id

    async def change(self, webhook_id: int, **values: Any) -> None:
        """Change a webhook, as a route does."""
        async with self.ledger.transactions.begin() as transaction:
            changed = update(Webhook).where(Webhook.id == webhook_id).values(updated_on=now(), **values)
            await transaction.session.execute(changed)

    async def remove(self, webhook_id: int) -> None:
        """Remove a webhook."""
        async with self.ledger.transactions.begin() as transaction:
            await transaction.session.execute(delete(Webhook).where(Webhook.id == webhook_id))

    async def rotate(self, webhook_id: int, expires_on: datetime) -> None:
        """Make a second secret; the first ends some time."""
        async with self.ledger.transactions.begin() as transaction:
            await transaction.session.execute(update(WebhookSecret).values(expires_on=expires_on))
            transaction.session.add(WebhookSecret(webhook_id=webhook_id, secret=OTHER_SECRET, created_on=now()))

    async def want(self, webhook_id: int, kind: DeliveryKind, event_id: int | None = None) -> int:
        """Ask for a ping or a replay; return the id of the delivery."""
        async with self.ledger.transactions.begin() as transaction:
            row = WebhookDelivery(
                webhook_id=webhook_id,
                event_id=event_id,
                type=COMPLETED if event_id else "webhook.ping",
                kind=kind,
                state=DeliveryState.PENDING,
                attempts=[],
                created_on=now(),
            )
            transaction.session.add(row)
            await transaction.session.flush()
            return row.id

    async def skip(self, delivery_id: int) -> None:
        """Give a delivery up."""
        async with self.ledger.transactions.begin() as transaction:
            given_up = update(WebhookDelivery).where(WebhookDelivery.id == delivery_id)
            await transaction.session.execute(given_up.values(state=DeliveryState.SKIPPED, finished_on=now()))

    async def happen(self, *kinds: PublicEventType, place: tuple[str, ...] = ("team", "weather")) -> list[str]:
        """Add events to the log, each in a transaction of its own; return their message ids."""
        namespace, environment = place[0], place[1] if len(place) > 1 else None
        for kind in kinds or (COMPLETED,):
            event = an_event(kind, namespace, environment)
            event.time, event.actor = now(), "bob"
            async with self.ledger.transactions.begin() as transaction:
                transaction.record(event)
        async with self.ledger.database.session() as session:
            newest = select(PublicEvent.id).order_by(PublicEvent.id.desc()).limit(len(kinds) or 1)
            return [f"evt_{identifier}" for identifier in reversed((await session.scalars(newest)).all())]

    async def happen_at_once(self, count: int) -> list[str]:
        """Add many events to the log in one transaction; return their message ids."""
        async with self.ledger.transactions.begin() as transaction:
            for _ in range(count):
                transaction.record(an_event(COMPLETED))
        async with self.ledger.database.session() as session:
            newest = select(PublicEvent.id).order_by(PublicEvent.id.desc()).limit(count)
            return [f"evt_{identifier}" for identifier in reversed((await session.scalars(newest)).all())]

    async def grant(self, entity: str | None) -> None:
        """Let holders of namespace team read somewhere, or nowhere."""
        async with self.ledger.transactions.begin() as transaction:
            session = transaction.session
            await session.execute(delete(NamespaceRoleMapping))
            team = await session.scalar(select(Namespace.id).where(Namespace.name == "team"))
            if entity is not None:
                session.add(NamespaceRoleMapping(namespace_id=team, entity=entity, role="viewer"))

    async def received(self, wanted: Wanted | int) -> list[Received]:
        """Wait until so many requests have come, or what is wanted."""

        def are_enough(received: Sequence[Received]) -> bool:
            return len(received) >= wanted if isinstance(wanted, int) else wanted(received)

        return await asyncio.to_thread(self.receiver.await_received, are_enough, 15)

    async def rows(self, **values: Any) -> list[WebhookDelivery]:
        """The deliveries there are, in their order."""
        async with self.ledger.database.session() as session:
            rows = await session.scalars(select(WebhookDelivery).filter_by(**values).order_by(WebhookDelivery.id))
            return list(rows)

    async def become(self, *states: DeliveryState, **values: Any) -> list[WebhookDelivery]:
        """Wait until the states of the deliveries are these; return them."""
        rows, deadline = await self.rows(**values), time.monotonic() + 15
        while [row.state for row in rows] != list(states):
            assert time.monotonic() < deadline, [(row.event_id, row.state, row.attempts) for row in rows]
            await asyncio.sleep(0.02)
            rows = await self.rows(**values)
        return rows

    async def tried(self, count: int) -> None:
        """Wait until so many attempts at the oldest delivery are noted."""
        deadline, rows = time.monotonic() + 15, await self.rows()
        while not rows or len(rows[0].attempts) < count:
            assert time.monotonic() < deadline, [row.attempts for row in rows]
            await asyncio.sleep(0.02)
            rows = await self.rows()

    async def has_come_to(self, webhook_id: int, event_id: int) -> None:
        """Wait until a webhook is done with an event."""
        deadline, row = time.monotonic() + 15, await self.row(webhook_id)
        while row.position < event_id:
            assert time.monotonic() < deadline, row.position
            await asyncio.sleep(0.02)
            row = await self.row(webhook_id)

    async def row(self, webhook_id: int) -> Webhook:
        """A webhook as it is now."""
        async with self.ledger.database.session() as session:
            return (await session.scalars(select(Webhook).where(Webhook.id == webhook_id))).one()

    @asynccontextmanager
    async def dispatching(self, options: DeliveryOptions = QUICKLY, **changes: Any) -> AsyncIterator[Dispatcher]:
        """Have a dispatcher at work, on connections of its own where there are several."""
        async with self._database() as database, asyncio.TaskGroup() as group:
            self.database, authorization = database, AuthorizationOptions(secret="s" * 32)
            tools = DeliveryTools(
                transactions=Transactions(database, "api"),
                sender=HttpWebhookSender(LOCAL, seconds=0.5),
                authenticator=Authenticator(authorization, DatabaseRights(database, 1, seconds=RIGHTS)),
                version="1.2",
                options=replace(options, **changes),
            )
            dispatcher, notices = Dispatcher(tools, Turn(database, "webhooks", seconds=10.0)), EventNotices(database)
            notices.attach(dispatcher.wake_events)
            tasks = [group.create_task(dispatcher.run()), group.create_task(notices.run())]
            try:
                yield dispatcher
            finally:
                for task in tasks:
                    task.cancel()

    @asynccontextmanager
    async def _database(self) -> AsyncIterator[Database]:
        if self.ledger.database.is_postgres:
            async with Database(self.ledger.database.url) as database:
                yield database
        else:
            yield self.ledger.database


@contextmanager
def opened(ledger: Ledger) -> Iterator[Deliveries]:
    """Deliveries to a receiver of their own."""
    with WebhookReceiver() as receiver:
        yield Deliveries(ledger, receiver)


def verified(received: Received, secret: str = SECRET) -> dict[str, Any]:
    """The event of a request, once the library of the standard has found it signed, and just now."""
    event: dict[str, Any] = Verifier(secret).verify(received.body.decode(), received.headers)
    assert event == json.loads(received.body)
    return event


def ids(received: Sequence[Received], path: str | None = None) -> list[str]:
    """The message ids of requests, as they came; of a path, or all."""
    return [each.id for each in received if path in (None, each.path)]


def firsts(messages: Sequence[str]) -> list[str]:
    """Message ids in the order in which each came first."""
    return list(dict.fromkeys(messages))
