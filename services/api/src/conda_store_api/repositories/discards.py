"""Rows of what is still to go from disk and bucket."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_shared.db.models import Discard


class DiscardKind(StrEnum):
    """What goes, and with it who takes it away."""

    PREFIX = "prefix"
    ARTIFACTS = "artifacts"
    LINK = "link"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDiscard:
    """Something that is to go; ``not_before`` makes it a late look, for which nothing waits."""

    kind: DiscardKind
    targets: Sequence[str]
    build_id: int | None = None
    build_key: str = ""
    environment_id: int | None = None
    generation: int = 0
    not_before: datetime | None = None


def add_discard(session: AsyncSession, new: NewDiscard, now: datetime) -> Discard:
    """Note what is to go; the caller sends the request, unless it is for later."""
    row = Discard(
        id=uuid.uuid4().hex,
        kind=new.kind,
        build_id=new.build_id,
        build_key=new.build_key,
        environment_id=new.environment_id,
        generation=new.generation,
        targets=list(new.targets),
        late=new.not_before is not None,
        not_before=new.not_before,
        requested_on=None if new.not_before else now,
        requests=0 if new.not_before else 1,
    )
    session.add(row)
    return row


async def confirm_discard(session: AsyncSession, discard_id: str) -> None:
    """Forget what is gone; harmless when it was forgotten before."""
    await session.execute(delete(Discard).where(Discard.id == discard_id))


async def list_due_discards(
    session: AsyncSession, kind: DiscardKind, now: datetime, patience: timedelta, limit: int
) -> Sequence[Discard]:
    """Return what is to be requested, or was long ago and may be lost; first what was requested least often.

    The rows are held by this transaction; those that another one holds are left out.
    """
    is_due = or_(Discard.not_before.is_(None), Discard.not_before <= now)
    return await _list(session, kind, is_due & _requested_until(now - patience), limit)


async def list_lost_discards(session: AsyncSession, kind: DiscardKind, now: datetime, limit: int) -> Sequence[Discard]:
    """As ``list_due_discards``, when all requests until now are lost."""
    return await _list(session, kind, (Discard.requests > 0) & (Discard.requested_on < now), limit)


def _requested_until(moment: datetime) -> ColumnElement[bool]:
    return or_(Discard.requested_on.is_(None), Discard.requested_on <= moment)


async def _list(
    session: AsyncSession, kind: DiscardKind, condition: ColumnElement[bool], limit: int
) -> Sequence[Discard]:
    rows = await session.scalars(
        select(Discard)
        .where(Discard.kind == kind, condition)
        .order_by(Discard.requests, Discard.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return rows.all()
