"""Rows of builds: made, moved along by compare-and-set, listed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_shared.db.models import Build, Environment, Namespace
from conda_store_shared.domain.build import ACTIVE, BuildStatus, Rank


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedBuild:
    """A build whose row this transaction holds, with the names it lives under."""

    build: Build
    namespace: str
    environment: str

    @property
    def is_active(self) -> bool:
        """Whether the build may still change its status."""
        return self.build.status in ACTIVE


async def lock_build(session: AsyncSession, build_id: int) -> LockedBuild | None:
    """Return the build with its row locked until the transaction ends; None when there is none.

    All changes to one build are made under this lock, so its messages leave in the order of the changes.
    """
    row = (
        await session.execute(
            select(Build, Namespace.name, Environment.name)
            .join(Environment, Environment.id == Build.environment_id)
            .join(Namespace, Namespace.id == Environment.namespace_id)
            .where(Build.id == build_id)
            .with_for_update(of=Build)
        )
    ).one_or_none()
    return None if row is None else LockedBuild(build=row[0], namespace=row[1], environment=row[2])


async def advance_build(session: AsyncSession, build_id: int, rank: Rank, now: datetime) -> None:
    """Raise the rank of a build that is not over; its public status becomes BUILDING."""
    await session.execute(
        update(Build)
        .where(Build.id == build_id, Build.status.in_(ACTIVE), Build.rank < rank)
        .values(rank=rank, status=BuildStatus.BUILDING, started_on=func.coalesce(Build.started_on, now))
        .execution_options(synchronize_session="fetch")
    )


async def end_build(session: AsyncSession, build_id: int, status: BuildStatus, values: dict[str, Any]) -> bool:
    """End a build that is not over yet; False when it was."""
    result = await session.execute(
        update(Build)
        .where(Build.id == build_id, Build.status.in_(ACTIVE))
        .values(status=status, **values)
        .execution_options(synchronize_session="fetch")
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]


async def set_lockfile_digest(session: AsyncSession, build_id: int, digest: str) -> None:
    """Note which lockfile the build is made from."""
    await session.execute(update(Build).where(Build.id == build_id).values(lockfile_digest=digest))


async def set_status_info(session: AsyncSession, build_id: int, status_info: str) -> None:
    """Tell what a build that is not over waits for."""
    await session.execute(
        update(Build).where(Build.id == build_id, Build.status.in_(ACTIVE)).values(status_info=status_info)
    )


async def list_unreleased(session: AsyncSession, per_namespace: int, limit: int) -> Sequence[Build]:
    """Return the builds whose turn it is: round robin over namespaces, interactive before scheduled."""
    running = (
        select(Environment.namespace_id, func.count().label("running"))
        .join(Build, Build.environment_id == Environment.id)
        .where(Build.status.in_(ACTIVE), Build.released_on.is_not(None))
        .group_by(Environment.namespace_id)
        .subquery()
    )
    place = func.row_number().over(partition_by=Environment.namespace_id, order_by=(Build.scheduled, Build.id))
    waiting = (
        select(Build.id, Build.scheduled, (place + func.coalesce(running.c.running, 0)).label("turn"))
        .join(Environment, Environment.id == Build.environment_id)
        .outerjoin(running, running.c.namespace_id == Environment.namespace_id)
        .where(Build.status == BuildStatus.QUEUED, Build.released_on.is_(None), Build.deleted_on.is_(None))
        .subquery()
    )
    rows = await session.scalars(
        select(Build)
        .join(waiting, waiting.c.id == Build.id)
        .where(waiting.c.turn <= per_namespace)
        .order_by(waiting.c.scheduled, waiting.c.turn, Build.id)
        .limit(limit)
    )
    return rows.all()


async def count_released(session: AsyncSession) -> int:
    """Return how many builds are released and not over."""
    counted = await session.scalar(
        select(func.count()).select_from(Build).where(Build.status.in_(ACTIVE), Build.released_on.is_not(None))
    )
    return counted or 0


async def mark_released(session: AsyncSession, build: Build, now: datetime) -> bool:
    """Release a build, whose time to its deadline begins now; False when it was released or is over."""
    deadline = None if build.deadline is None else now + (build.deadline - build.scheduled_on)
    result = await session.execute(
        update(Build)
        .where(Build.id == build.id, Build.status == BuildStatus.QUEUED, Build.released_on.is_(None))
        .values(released_on=now, deadline=deadline)
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]
