"""The log of public events as those read it who go through it from one end to the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import CompoundSelect, bindparam, delete, func, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_api.domain.webhook import DeliveryState, WebhookState
from conda_store_shared.db.models import EventCursor, PublicEvent, Webhook, WebhookDelivery

# Each by its own look at the index: SQLite would go through the whole table for both at once.
_BOUNDS = select(
    select(func.min(PublicEvent.id)).scalar_subquery().label("oldest"),
    select(func.max(PublicEvent.id)).scalar_subquery().label("newest"),
)
_FIRST_OF_BUILD = (
    select(PublicEvent.type).where(PublicEvent.build_id == bindparam("of_build")).order_by(PublicEvent.id).limit(1)
)
# Where everybody is who goes through the log and must not miss any: the next event, or one that is under way.
_POSITIONS: CompoundSelect[Any] = union_all(
    select(func.min(EventCursor.position) + 1),
    select(func.min(Webhook.position) + 1).where(Webhook.state == WebhookState.ACTIVE),
    select(func.min(WebhookDelivery.event_id)).where(WebhookDelivery.state == DeliveryState.PENDING),
)
_OLDEST = select(PublicEvent.id, PublicEvent.time).order_by(PublicEvent.id).limit(bindparam("at_most"))


@dataclass(frozen=True, slots=True, kw_only=True)
class LogBounds:
    """Ids of the first and the last event of the log; 0 when it is empty."""

    oldest: int
    newest: int

    def have_lost(self, position: int) -> bool:
        """Whether something that came after the event ``position`` is gone, or the log is not the one it was in.

        0 is before whatever is there.
        """
        return position > self.newest or 0 < position < self.oldest - 1


async def find_bounds(session: AsyncSession) -> LogBounds:
    """Return where the log begins and ends."""
    found = (await session.execute(_BOUNDS)).mappings().one()
    return LogBounds(oldest=found["oldest"] or 0, newest=found["newest"] or 0)


async def find_first_type(session: AsyncSession, build_id: int) -> str | None:
    """Return the type of the first event of a build that the log still has."""
    found: str | None = await session.scalar(_FIRST_OF_BUILD, {"of_build": build_id})
    return found


async def find_awaited(session: AsyncSession) -> int | None:
    """Return the id of the first event that somebody may still be waiting for; None when nobody waits for any."""
    positions: Sequence[int | None] = (await session.execute(_POSITIONS)).scalars().all()
    return min((position for position in positions if position is not None), default=None)


async def forget_before(session: AsyncSession, moment: datetime, awaited: int | None, limit: int) -> int:
    """Delete at most ``limit`` events from the beginning of the log, up to a moment or the one that is ``awaited``.

    The last event of all stays.  Return how many there were.
    """
    rows = (await session.execute(_OLDEST, {"at_most": limit + 1})).all()
    old: list[int] = []
    for event_id, time in rows[:-1]:
        if time >= moment or (awaited is not None and event_id >= awaited):
            break
        old.append(event_id)
    if old:
        await session.execute(delete(PublicEvent).where(PublicEvent.id <= old[-1]))
    return len(old)
