"""Rows of builds: made, moved along by compare-and-set, listed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, Select, Update, bindparam, case, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer
from sqlalchemy.orm.attributes import set_committed_value

from conda_store_shared.db.models import Build, Environment, Namespace
from conda_store_shared.domain.build import ACTIVE, BuildStatus, Rank

# Made once: putting a statement together takes longer than running it.
_LOCK = (
    select(Build, Namespace.name, Environment.name, Build.id <= Environment.erased_through)
    .join(Environment, Environment.id == Build.environment_id)
    .join(Namespace, Namespace.id == Environment.namespace_id)
    .where(Build.id == bindparam("of_build"))
    .with_for_update(of=Build)
)
_LOCK_WITHOUT_ORDER = _LOCK.options(defer(Build.order, raiseload=True))
_build = Build.__table__.c
_CHANGE = update(Build.__table__).where(_build.id == bindparam("of_build"))  # type: ignore[arg-type]
_CHANGE_ACTIVE = _CHANGE.where(_build.status.in_(ACTIVE))
_ADVANCE = _CHANGE_ACTIVE.where(_build.rank <= bindparam("new_rank"))
_RELEASE = _CHANGE.where(_build.status == BuildStatus.QUEUED, _build.released_on.is_(None))


def _unreleased() -> Select[Build]:
    released = Build.status.in_(ACTIVE) & Build.released_on.is_not(None)
    running_in_all = select(func.count()).select_from(Build).where(released).scalar_subquery()
    room = bindparam("capacity", type_=Integer) - running_in_all
    running = (
        select(Environment.namespace_id, func.count().label("running"))
        .join(Build, Build.environment_id == Environment.id)
        .where(released)
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
    return (
        select(Build)
        .join(waiting, waiting.c.id == Build.id)
        .where(waiting.c.turn <= bindparam("per_namespace"))
        .order_by(waiting.c.scheduled, waiting.c.turn, Build.id)
        .limit(case((room > 0, room), else_=0))
    )


_UNRELEASED = _unreleased()


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedBuild:
    """A build whose row this transaction holds, with the names it lives under.

    An erased one goes with its environment, row and all.
    """

    build: Build
    namespace: str
    environment: str
    is_erased: bool = False

    @property
    def is_active(self) -> bool:
        """Whether the build may still change its status."""
        return self.build.status in ACTIVE

    @property
    def is_deleted(self) -> bool:
        """Whether nothing more is wanted of the build."""
        return self.is_erased or self.build.deleted_on is not None


async def lock_build(session: AsyncSession, build_id: int, *, with_order: bool = True) -> LockedBuild | None:
    """Return the build with its row locked until the transaction ends; None when there is none.

    All changes to one build are made under this lock, so its messages leave in the order of the changes.  An order may
    hold a lockfile of megabytes: facts that do not need it leave it out.
    """
    statement = _LOCK if with_order else _LOCK_WITHOUT_ORDER
    row = (await session.execute(statement, {"of_build": build_id})).one_or_none()
    if row is None:
        return None
    return LockedBuild(build=row[0], namespace=row[1], environment=row[2], is_erased=row[3])


async def advance_build(
    session: AsyncSession, build: Build, rank: Rank, now: datetime, *, lockfile_digest: str | None = None
) -> None:
    """Raise the rank of a build that is not over and has not come as far; its public status becomes BUILDING.

    ``lockfile_digest`` is noted however far it has come.
    """
    if build.rank >= rank and lockfile_digest is None:
        return
    reached = max(build.rank, rank)
    values = {
        "rank": reached,
        "status": BuildStatus.BUILDING,
        "started_on": build.started_on or now,
        "lockfile_digest": lockfile_digest or build.lockfile_digest,
    }
    await _change(session, _ADVANCE, build, {**values, "new_rank": reached})


async def end_build(session: AsyncSession, build: Build, status: BuildStatus, values: dict[str, Any]) -> bool:
    """End a build that is not over yet; False when it was."""
    return await _change(session, _CHANGE_ACTIVE, build, {"status": status, **values})


async def allow_until(session: AsyncSession, build: Build, deadline: datetime) -> None:
    """Let what is still made of a build be tried again until ``deadline``."""
    await _change(session, _CHANGE, build, {"deadline": deadline})


async def set_status_info(session: AsyncSession, build: Build, status_info: str) -> None:
    """Tell what a build that is not over waits for."""
    await _change(session, _CHANGE_ACTIVE, build, {"status_info": status_info})


async def list_unreleased(session: AsyncSession, capacity: int, per_namespace: int) -> Sequence[Build]:
    """Return the builds whose turn it is, as far as there is room: round robin over namespaces, interactive first.

    There is room for ``capacity`` builds that are released and not over, and fewer of one namespace.
    """
    rows = await session.scalars(_UNRELEASED, {"capacity": capacity, "per_namespace": per_namespace})
    return rows.all()


async def mark_released(session: AsyncSession, build: Build, now: datetime) -> bool:
    """Release a build, whose time to its deadline begins now; False when it was released or is over."""
    deadline = None if build.deadline is None else now + (build.deadline - build.scheduled_on)
    return await _change(session, _RELEASE, build, {"released_on": now, "deadline": deadline})


async def _change(session: AsyncSession, statement: Update, build: Build, values: dict[str, Any]) -> bool:
    """Compare and set; the object follows its row.  False when the row is past what ``statement`` asks for."""
    connection = await session.connection()
    if not (await connection.execute(statement, {"of_build": build.id, **values})).rowcount:
        return False
    for name, value in values.items():
        if name in _build:
            set_committed_value(build, name, value)
    return True
