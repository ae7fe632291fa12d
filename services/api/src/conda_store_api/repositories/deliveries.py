"""Rows of webhooks and deliveries, as whoever makes the deliveries reads and moves them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_api.domain.webhook import DeliveryKind, DeliveryState, Scope, WebhookState
from conda_store_shared.db.models import PublicEvent, Webhook, WebhookDelivery, WebhookSecret
from conda_store_shared.db.reading import Reader
from conda_store_shared.db.statements import insert_all_new_returning

_NEWEST_EVENT = select(func.coalesce(func.max(PublicEvent.id), 0))
_CHANGES = select(
    func.count(),
    func.max(Webhook.updated_on),
    func.count(Webhook.failing_since).filter(Webhook.state == WebhookState.ACTIVE),
    _NEWEST_EVENT.scalar_subquery(),
).select_from(Webhook)
_DUE = (
    select(WebhookDelivery.webhook_id, WebhookDelivery.kind)
    .join(Webhook, Webhook.id == WebhookDelivery.webhook_id)
    .where(
        WebhookDelivery.state == DeliveryState.PENDING,
        or_(WebhookDelivery.not_before.is_(None), WebhookDelivery.not_before <= bindparam("now")),
        or_(Webhook.state == WebhookState.ACTIVE, WebhookDelivery.kind == DeliveryKind.PING),
    )
    .distinct()
)
# Made once: putting a statement together takes longer than running it.
_MOVE = (
    update(Webhook)
    .where(
        Webhook.id == bindparam("of"),
        Webhook.position == bindparam("from"),
        Webhook.state == WebhookState.ACTIVE,
    )
    .values(position=bindparam("to"))
)
_DELIVERED = (
    update(WebhookDelivery)
    .where(WebhookDelivery.id == bindparam("of"), WebhookDelivery.state == DeliveryState.PENDING)
    .values(
        state=DeliveryState.DELIVERED, attempts=bindparam("made"), finished_on=bindparam("now"), not_before=None
    )
    .returning(WebhookDelivery.id)
)
_SECRETS = (
    select(WebhookSecret.secret)
    .where(
        WebhookSecret.webhook_id == bindparam("of"),
        or_(WebhookSecret.expires_on.is_(None), WebhookSecret.expires_on > bindparam("now")),
    )
    .order_by(WebhookSecret.id.desc())
)
_QUIETLY: Mapping[str, Any] = {"synchronize_session": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """How many webhooks there are, when one was last changed, how many nothing reaches; and the newest event or 0."""

    count: int
    changed_on: datetime | None
    failing: int
    newest_event: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingDelivery:
    """The next delivery of a webhook, with all that sending it needs; the log may have forgotten the event."""

    delivery: WebhookDelivery
    webhook: Webhook
    event: PublicEvent | None
    secrets: Sequence[str]


async def find_changes(reader: Reader) -> Changes:
    """Look at what tells that there is something to do."""
    ((count, changed_on, failing, newest),) = await reader.rows(_CHANGES)
    return Changes(count=count, changed_on=changed_on, failing=failing, newest_event=newest)


async def list_active_webhooks(session: AsyncSession) -> Sequence[Webhook]:
    """Return all webhooks that are told of events."""
    return (await session.scalars(select(Webhook).where(Webhook.state == WebhookState.ACTIVE))).all()


async def list_waiting(session: AsyncSession) -> Collection[int]:
    """Return of which webhooks an event waits that was chosen to be the next, whenever it is due."""
    waits = (WebhookDelivery.state == DeliveryState.PENDING, WebhookDelivery.kind == DeliveryKind.EVENT)
    return set(await session.scalars(select(WebhookDelivery.webhook_id).where(*waits)))


async def list_due(reader: Reader, now: datetime) -> Sequence[tuple[int, DeliveryKind]]:
    """Return of which webhooks deliveries are due now, and of which kind; pings are, whatever the state."""
    return [(webhook_id, DeliveryKind(kind)) for webhook_id, kind in await reader.rows(_DUE, now=now)]


async def list_events(
    session: AsyncSession, after: int, limit: int, *, scope: Scope | None = None
) -> Sequence[PublicEvent]:
    """Return the events after an id, oldest first; with a scope those that are in it."""
    statement = select(PublicEvent).where(PublicEvent.id > after).order_by(PublicEvent.id).limit(limit)
    if scope is not None and scope.types:
        statement = statement.where(PublicEvent.type.in_(scope.event_types))
    if scope is not None and scope.namespace is not None:
        statement = statement.where(PublicEvent.namespace == scope.namespace)
    if scope is not None and scope.environment is not None:
        statement = statement.where(PublicEvent.environment == scope.environment)
    return (await session.scalars(statement)).all()


async def find_waiting(
    session: AsyncSession, webhook_id: int, kind: DeliveryKind, now: datetime
) -> WaitingDelivery | None:
    """Return the oldest delivery of a kind that waits."""
    found = (
        await session.execute(
            select(WebhookDelivery, Webhook, PublicEvent)
            .join(Webhook, Webhook.id == WebhookDelivery.webhook_id)
            .join(PublicEvent, PublicEvent.id == WebhookDelivery.event_id, isouter=True)
            .where(
                WebhookDelivery.webhook_id == webhook_id,
                WebhookDelivery.kind == kind,
                WebhookDelivery.state == DeliveryState.PENDING,
            )
            .order_by(WebhookDelivery.id)
            .limit(1)
        )
    ).first()
    if found is None:
        return None
    delivery, webhook, event = found
    secrets = await _list_secrets(session, webhook_id, now)
    return WaitingDelivery(delivery=delivery, webhook=webhook, event=event, secrets=secrets)


async def add_delivery(
    session: AsyncSession, place: tuple[int, int], event: PublicEvent, now: datetime
) -> tuple[bool, WaitingDelivery | None]:
    """Make an event the next one of an active webhook that is done with a position; ``place`` are its id and that.

    False when it is elsewhere by now; no delivery when there is one of this event already.
    """
    webhook_id, position = place
    webhook = await session.scalar(
        _MOVE.returning(Webhook), {"of": webhook_id, "from": position, "to": event.id}, execution_options=_QUIETLY
    )
    if webhook is None:
        return False, None
    row: dict[str, Any] = {
        "webhook_id": webhook_id,
        "event_id": event.id,
        "type": event.type,
        "kind": DeliveryKind.EVENT,
        "state": DeliveryState.PENDING,
        "attempts": [],
        "created_on": now,
    }
    added = await insert_all_new_returning(session, WebhookDelivery, [row], WebhookDelivery.id)
    if not added:
        return True, None
    delivery = WebhookDelivery(id=added[0][0], **row)
    secrets = await _list_secrets(session, webhook_id, now)
    return True, WaitingDelivery(delivery=delivery, webhook=webhook, event=event, secrets=secrets)


async def move_position(session: AsyncSession, webhook_id: int, position: int, to: int) -> bool:
    """Note that an active webhook that was done with ``position`` is done with ``to``; False when it was not."""
    moved = await session.scalar(
        _MOVE.returning(Webhook.id), {"of": webhook_id, "from": position, "to": to}, execution_options=_QUIETLY
    )
    return moved is not None


async def finish_delivered(session: AsyncSession, delivery: WebhookDelivery, attempt: Any, now: datetime) -> bool:
    """Note that a delivery was made, with the attempt that made it; False when it was over already, or is gone."""
    values = {"of": delivery.id, "made": [*delivery.attempts, attempt], "now": now}
    return await session.scalar(_DELIVERED, values, execution_options=_QUIETLY) is not None


async def lock_delivery(session: AsyncSession, delivery_id: int) -> WebhookDelivery | None:
    """Return a delivery that nobody else changes until the transaction ends."""
    found: WebhookDelivery | None = await session.scalar(
        select(WebhookDelivery)
        .where(WebhookDelivery.id == delivery_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return found


async def finish_delivery(session: AsyncSession, delivery_id: int, state: DeliveryState, now: datetime) -> None:
    """End a delivery without another attempt, unless it is over."""
    waits = (WebhookDelivery.id == delivery_id, WebhookDelivery.state == DeliveryState.PENDING)
    await session.execute(
        update(WebhookDelivery).where(*waits).values(state=state, finished_on=now, not_before=None),
        execution_options=_QUIETLY,
    )


async def note_failing(session: AsyncSession, webhook_id: int, now: datetime) -> None:
    """Note since when nothing reaches a webhook."""
    failing = and_(Webhook.id == webhook_id, Webhook.failing_since.is_(None))
    await session.execute(update(Webhook).where(failing).values(failing_since=now), execution_options=_QUIETLY)


async def note_working(session: AsyncSession, webhook_id: int) -> None:
    """Note that a webhook was reached."""
    failing = and_(Webhook.id == webhook_id, Webhook.failing_since.is_not(None))
    await session.execute(update(Webhook).where(failing).values(failing_since=None), execution_options=_QUIETLY)


async def disable_webhook(session: AsyncSession, webhook_id: int, url: str, reason: str, now: datetime) -> None:
    """Send nothing more to a webhook, unless it was given another address meanwhile."""
    await session.execute(
        update(Webhook)
        .where(Webhook.id == webhook_id, Webhook.url == url)
        .values(state=WebhookState.DISABLED, disabled_reason=reason, updated_on=now),
        execution_options=_QUIETLY,
    )


async def _list_secrets(session: AsyncSession, webhook_id: int, now: datetime) -> Sequence[str]:
    """Return the secrets that sign now, the newest first."""
    return (await session.scalars(_SECRETS, {"of": webhook_id, "now": now})).all()
