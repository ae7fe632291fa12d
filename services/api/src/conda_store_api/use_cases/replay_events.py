"""Has a webhook be sent something out of turn: a ping, an event once more, many events; or never what waits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_api.domain.webhook import PING, DeliveryKind, DeliveryState, Scope, WebhookState, parse_types
from conda_store_api.repositories import webhook_deliveries
from conda_store_api.repositories.events import EventFilter, EventPage, EventReader, list_visible_events
from conda_store_api.repositories.webhook_deliveries import count_wanted, make_due, mark_skipped
from conda_store_api.use_cases.create_webhook import told_of
from conda_store_api.use_cases.find_webhook import own_webhook
from conda_store_shared.db.models import Webhook, WebhookDelivery
from conda_store_shared.errors import Conflict, InvalidInput, NotFound
from conda_store_shared.transaction import Transaction
from conda_store_shared.web.authentication import Principal

# How many pings and replays of one webhook may wait, and how many events are taken at once.
MOST = 1000
# The id of an event, None for a ping, and its type.
Sent = tuple[int | None, str]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Events of the log: beyond an id or since a time, until before another; no types are all of the webhook's."""

    after: int | None = None
    before: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """How many events are sent again; when there are more, ``after`` is the id to go on from."""

    deliveries: int
    after: int | None


async def ping_webhook(webhook_id: int, owner: Principal, transaction: Transaction, now: datetime) -> int:
    """Have a ping sent, whatever the state of the webhook; return the id of its delivery.

    Raises NotFound, NotAuthorized, and Conflict when too much waits.
    """
    webhook = await own_webhook(transaction.session, webhook_id, owner, "ping")
    await _check_room(webhook, transaction)
    (added,) = await _add(webhook, DeliveryKind.PING, [(None, PING)], transaction, now)
    return added


async def replay_delivery(
    webhook_id: int, delivery_id: int, owner: Principal, transaction: Transaction, now: datetime
) -> int:
    """Have the event of a delivery that is over sent once more; return the id of the new delivery.

    Raises NotFound, NotAuthorized, and Conflict for what cannot be sent again, or not now.
    """
    webhook = await own_webhook(transaction.session, webhook_id, owner, "send again what was sent to")
    delivery = await find_delivery(transaction.session, webhook, delivery_id)
    if delivery.event_id is None:
        raise Conflict(f"delivery {delivery_id} is a ping; make another by POST /api/v1/webhook/{webhook_id}/ping/")
    if delivery.state == DeliveryState.PENDING:
        raise Conflict(f"delivery {delivery_id} waits to be sent; it can be sent again once it is over")
    _check_active(webhook)
    await _check_room(webhook, transaction)
    (added,) = await _add(webhook, DeliveryKind.REPLAY, [(delivery.event_id, delivery.type)], transaction, now)
    return added


async def replay_span(
    webhook_id: int, span: Span, by: tuple[Principal, EventReader], transaction: Transaction, now: datetime
) -> Replayed:
    """Have the events of a span sent once more that the webhook is about, in order, as many as there is room for.

    ``by`` is who asks and what they may read.  What the webhook has not come to yet is left out: it will.  Raises
    NotFound, NotAuthorized, InvalidInput for a span without a beginning, and Conflict.
    """
    owner, reader = by
    if span.after is None and span.since is None:
        raise InvalidInput("say where to begin: after (the id of an event) or since (a time)")
    webhook = await own_webhook(transaction.session, webhook_id, owner, "send again what was sent to")
    _check_active(webhook)
    room = await _check_room(webhook, transaction)
    filters = _events_of(webhook, span)
    page = EventPage(limit=room, descending=False, after=span.after)
    events = await list_visible_events(transaction.session, reader, filters, page) if filters.types else []
    await _add(webhook, DeliveryKind.REPLAY, [(event.id, event.type) for event in events], transaction, now)
    log.info("webhook_events_replayed", actor=owner.primary_namespace, number=len(events), **told_of(webhook))
    return Replayed(deliveries=len(events), after=events[-1].id if len(events) == room else None)


async def skip_delivery(
    webhook_id: int, delivery_id: int, owner: Principal, transaction: Transaction, now: datetime
) -> None:
    """Give up a delivery that waits; the next is made at once.  Raises NotFound, NotAuthorized, Conflict."""
    webhook = await own_webhook(transaction.session, webhook_id, owner, "skip what waits for")
    delivery = await find_delivery(transaction.session, webhook, delivery_id)
    if not await mark_skipped(transaction.session, delivery.id, now):
        raise Conflict(f"delivery {delivery_id} is over already: {delivery.state}")
    await make_due(transaction.session, webhook.id)
    log.info("webhook_delivery_skipped", actor=owner.primary_namespace, delivery_id=delivery_id, **told_of(webhook))


async def find_delivery(session: AsyncSession, webhook: Webhook, delivery_id: int) -> WebhookDelivery:
    """Return a delivery of a webhook; raises NotFound."""
    found = await webhook_deliveries.find_delivery(session, webhook.id, delivery_id)
    if found is None:
        raise NotFound("delivery does not exist")
    return found


def _events_of(webhook: Webhook, span: Span) -> EventFilter:
    wanted = Scope(types=tuple(webhook.types)).event_types
    asked = Scope(types=parse_types(span.types)).event_types
    through = webhook.position if span.before is None else min(webhook.position, span.before - 1)
    return EventFilter(
        types=tuple(kind for kind in wanted if kind in asked),
        namespace=webhook.namespace,
        environment=webhook.environment,
        through=through,
        since=span.since,
        until=span.until,
    )


def _check_active(webhook: Webhook) -> None:
    if webhook.state != WebhookState.ACTIVE:
        raise Conflict(f'webhook {webhook.id} is {webhook.state}; PUT {{"state": "active"}} first')


async def _check_room(webhook: Webhook, transaction: Transaction) -> int:
    room = MOST - await count_wanted(transaction.session, webhook.id)
    if room <= 0:
        raise Conflict(f"{MOST} pings and replays of webhook {webhook.id} wait already; let some go first")
    return room


async def _add(
    webhook: Webhook, kind: DeliveryKind, events: Sequence[Sent], transaction: Transaction, now: datetime
) -> list[int]:
    """Add deliveries in this order; return their ids."""
    added = [
        WebhookDelivery(
            webhook_id=webhook.id,
            event_id=event_id,
            type=event_type,
            kind=kind,
            state=DeliveryState.PENDING,
            attempts=[],
            created_on=now,
        )
        for event_id, event_type in events
    ]
    transaction.session.add_all(added)
    await transaction.session.flush()
    return [delivery.id for delivery in added]
