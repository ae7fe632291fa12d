"""Rows of what is, or was, to be sent to webhooks, as people ask about it and for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_api.domain.webhook import DeliveryKind, DeliveryState
from conda_store_shared.db.models import WebhookDelivery


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFilter:
    """Filters of deliveries, and the page: the newest first, of those before an id; None does not filter."""

    state: str | None = None
    kind: str | None = None
    before: int | None = None
    limit: int


async def list_deliveries(session: AsyncSession, webhook_id: int, filters: DeliveryFilter) -> Sequence[WebhookDelivery]:
    """Return a page of the deliveries of a webhook."""
    statement = select(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook_id)
    if filters.state is not None:
        statement = statement.where(WebhookDelivery.state == filters.state)
    if filters.kind is not None:
        statement = statement.where(WebhookDelivery.kind == filters.kind)
    if filters.before is not None:
        statement = statement.where(WebhookDelivery.id < filters.before)
    return (await session.scalars(statement.order_by(WebhookDelivery.id.desc()).limit(filters.limit))).all()


async def find_delivery(session: AsyncSession, webhook_id: int, delivery_id: int) -> WebhookDelivery | None:
    """Return a delivery of a webhook."""
    found: WebhookDelivery | None = await session.scalar(
        select(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook_id, WebhookDelivery.id == delivery_id)
    )
    return found


async def count_wanted(session: AsyncSession, webhook_id: int) -> int:
    """Return how many pings and replays of a webhook wait."""
    number: int | None = await session.scalar(
        select(func.count())
        .select_from(WebhookDelivery)
        .where(
            WebhookDelivery.webhook_id == webhook_id,
            WebhookDelivery.state == DeliveryState.PENDING,
            WebhookDelivery.kind != DeliveryKind.EVENT,
        )
    )
    return number or 0


async def make_due(session: AsyncSession, webhook_id: int) -> None:
    """Let what waits for its next attempt be sent at once."""
    # Those that are due already may be in the hands of whoever notes what came of them, and then wants these.
    waits = (WebhookDelivery.state == DeliveryState.PENDING, WebhookDelivery.not_before.is_not(None))
    await session.execute(
        update(WebhookDelivery)
        .where(WebhookDelivery.webhook_id == webhook_id, *waits)
        .values(not_before=None)
        .execution_options(synchronize_session=False)
    )


async def mark_skipped(session: AsyncSession, delivery_id: int, now: datetime) -> bool:
    """Note that a delivery is not to be made; False when it is over already."""
    skipped: int | None = await session.scalar(
        update(WebhookDelivery)
        .where(WebhookDelivery.id == delivery_id, WebhookDelivery.state == DeliveryState.PENDING)
        .values(state=DeliveryState.SKIPPED, not_before=None, finished_on=now)
        .returning(WebhookDelivery.id)
        .execution_options(synchronize_session=False)
    )
    return skipped is not None


async def delete_old_deliveries(session: AsyncSession, before: datetime, limit: int) -> int:
    """Remove some deliveries that were over by then; return how many."""
    ids = select(WebhookDelivery.id).where(WebhookDelivery.finished_on < before).limit(limit)
    found = (await session.scalars(ids.with_for_update(skip_locked=True))).all()
    if found:
        await session.execute(delete(WebhookDelivery).where(WebhookDelivery.id.in_(found)))
    return len(found)
