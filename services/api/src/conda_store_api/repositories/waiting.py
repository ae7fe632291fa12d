"""How much waits, and since when, for figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_api.repositories.stages import OPEN
from conda_store_shared.contracts.envelope import written_at
from conda_store_shared.db.models import Build, BuildStage, Outbox
from conda_store_shared.db.moments import naive
from conda_store_shared.domain.build import ACTIVE, Rank


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """So many are there, the first of them since ``oldest``."""

    kind: tuple[str, ...]
    count: int
    oldest: datetime | None


async def count_builds(session: AsyncSession) -> Sequence[Waiting]:
    """Return the builds that are not over by rank, since they were asked for."""
    rows = await session.execute(
        select(Build.rank, func.count(), func.min(Build.scheduled_on))
        .where(Build.status.in_(ACTIVE), Build.deleted_on.is_(None))
        .group_by(Build.rank)
    )
    return [Waiting(kind=(Rank(row[0]).name.lower(),), count=row[1], oldest=row[2]) for row in rows]


async def count_stages(session: AsyncSession) -> Sequence[Waiting]:
    """Return the stages that are not over by stage and state, since they were requested last."""
    rows = await session.execute(
        select(BuildStage.stage, BuildStage.state, func.count(), func.min(BuildStage.requested_on))
        .where(BuildStage.state.in_(OPEN))
        .group_by(BuildStage.stage, BuildStage.state)
    )
    return [Waiting(kind=(row[0], row[1]), count=row[2], oldest=row[3]) for row in rows]


async def count_messages(session: AsyncSession) -> Sequence[Waiting]:
    """Return the messages that the broker has not confirmed by service, since they were written."""
    counted = (
        select(Outbox.service, func.count().label("messages"), func.min(Outbox.id).label("first"))
        .group_by(Outbox.service)
        .subquery()
    )
    rows = await session.execute(
        select(counted.c.service, counted.c.messages, Outbox.headers).join(Outbox, Outbox.id == counted.c.first)
    )
    return [Waiting(kind=(row[0],), count=row[1], oldest=naive(written_at(row[2]))) for row in rows]
