"""Rows of stages and of the attempts at them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, defer

from conda_store_shared.contracts.events import AttemptEvent
from conda_store_shared.db.models import Build, BuildStage, StageAttempt
from conda_store_shared.db.moments import naive
from conda_store_shared.db.statements import insert_new
from conda_store_shared.domain.stage import MAXIMUM_LOST_ATTEMPTS, PREFIX, SOLVE, FailureCode

WAITING, REQUESTED, RUNNING, DONE, FAILED, CANCELED = "waiting", "requested", "running", "done", "failed", "canceled"
OPEN = (WAITING, REQUESTED, RUNNING)


async def open_stage(session: AsyncSession, build_id: int, stage: str, now: datetime) -> None:
    """Note that the stage is requested; a stage there already is opened again."""
    values = {"state": REQUESTED, "requested_on": now, "not_before": None}
    new = {"build_id": build_id, "stage": stage, "failures": 0, "done": 0, "total": 0, "unit": "", **values}
    if not await insert_new(session, BuildStage, new):
        await session.execute(
            update(BuildStage).where(BuildStage.build_id == build_id, BuildStage.stage == stage).values(**values)
        )


async def find_stage(session: AsyncSession, build_id: int, stage: str) -> BuildStage | None:
    """Return the stage as it is now."""
    return await session.get(BuildStage, (build_id, stage), populate_existing=True)


async def change_stage(session: AsyncSession, build_id: int, stage: str, values: dict[str, Any]) -> bool:
    """Change a stage that is still open; False when it is over or there is none."""
    result = await session.execute(
        update(BuildStage)
        .where(BuildStage.build_id == build_id, BuildStage.stage == stage, BuildStage.state.in_(OPEN))
        .values(**values)
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]


async def cancel_stages(session: AsyncSession, build_id: int) -> bool:
    """Close every open stage of a build; False when none was open."""
    result = await session.execute(
        update(BuildStage)
        .where(BuildStage.build_id == build_id, BuildStage.state.in_(OPEN))
        .values(state=CANCELED)
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]


async def note_attempt(session: AsyncSession, event: AttemptEvent, outcome: str | None = None) -> bool:
    """Note an attempt, and how it ended; whichever of its messages comes first.

    The first outcome stays.  Returns whether this was news.  The caller holds the build's row.
    """
    key = {"build_id": event.build_id, "stage": event.stage, "attempt_id": event.attempt_id}
    known = select(func.coalesce(func.max(StageAttempt.number), 0) + 1).where(
        StageAttempt.build_id == event.build_id, StageAttempt.stage == event.stage
    )
    new = {
        **key,
        "number": known.scalar_subquery(),
        "started_at": naive(event.attempt_started_at),
        "outcome": outcome,
    }
    if await insert_new(session, StageAttempt, new):
        return True
    if outcome is None:
        return False
    result = await session.execute(
        update(StageAttempt).filter_by(**key).where(StageAttempt.outcome.is_(None)).values(outcome=outcome)
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]


async def forgive_attempts(session: AsyncSession, build_id: int, stage: str) -> None:
    """Note that attempts which ended without a word do not count, since their workers died with us."""
    await session.execute(
        update(StageAttempt)
        .where(StageAttempt.build_id == build_id, StageAttempt.stage == stage, StageAttempt.outcome.is_(None))
        .values(outcome="interrupted")
    )


async def is_newest(session: AsyncSession, event: AttemptEvent) -> bool:
    """Whether no later attempt at the stage is known: one that was heard of later, and by its clock began later.

    The clocks of two workers may differ, and messages may overtake each other; either alone misleads nobody.
    """
    return await session.scalar(_newest(event)) is not None


async def is_at_work(session: AsyncSession, event: AttemptEvent) -> bool:
    """Whether no later attempt at the stage is known, nor how this one ended: its words may come late."""
    return await session.scalar(_newest(event).where(StageAttempt.outcome.is_(None))) is not None


def _newest(event: AttemptEvent) -> Select[str]:
    later = aliased(StageAttempt)
    return select(StageAttempt.attempt_id).where(
        StageAttempt.build_id == event.build_id,
        StageAttempt.stage == event.stage,
        StageAttempt.attempt_id == event.attempt_id,
        ~exists().where(
            later.build_id == StageAttempt.build_id,
            later.stage == StageAttempt.stage,
            later.number > StageAttempt.number,
            later.started_at > StageAttempt.started_at,
        ),
    )


async def count_lost_attempts(session: AsyncSession, build_id: int, stage: str, *, with_newest: bool) -> int:
    """Return how many attempts ended without a word, or whose worker died.

    The newest one may still be running: it counts only ``with_newest``.
    """
    rows = await session.execute(
        select(StageAttempt.outcome)
        .where(StageAttempt.build_id == build_id, StageAttempt.stage == stage)
        .order_by(StageAttempt.number.desc())
    )
    outcomes = list(rows.scalars())
    silent = outcomes if with_newest else outcomes[:1] and [outcomes[0] or "running", *outcomes[1:]]
    return sum(outcome in (None, FailureCode.WORKER_LOST) for outcome in silent)


async def is_given_up(session: AsyncSession, build_id: int, stage: str, *, with_newest: bool) -> bool:
    """Whether the attempts at a stage died too often."""
    lost = await count_lost_attempts(session, build_id, stage, with_newest=with_newest)
    return lost >= MAXIMUM_LOST_ATTEMPTS


async def count_open(session: AsyncSession, build_id: int) -> int:
    """Return how many stages of a build are open."""
    counted = await session.scalar(
        select(func.count())
        .select_from(BuildStage)
        .where(BuildStage.build_id == build_id, BuildStage.state.in_(OPEN))
    )
    return counted or 0


async def list_open(session: AsyncSession) -> Sequence[tuple[BuildStage, Build]]:
    """Return every open stage with its build, oldest first; orders, which may be large, are left out."""
    rows = await session.execute(
        select(BuildStage, Build)
        .join(Build, Build.id == BuildStage.build_id)
        .where(BuildStage.state.in_(OPEN))
        .order_by(BuildStage.build_id)
        .limit(10_000)
        .options(defer(Build.order, raiseload=True))
    )
    return [(stage, build) for stage, build in rows]


async def list_waited(session: AsyncSession, now: datetime) -> Sequence[BuildStage]:
    """Return every stage whose pause is over, oldest first."""
    rows = await session.scalars(
        select(BuildStage)
        .where(BuildStage.state == WAITING, BuildStage.not_before <= now)
        .order_by(BuildStage.build_id)
        .limit(10_000)
    )
    return rows.all()


async def list_stages(session: AsyncSession, build_id: int) -> Sequence[tuple[BuildStage, int]]:
    """Return the stages of a build in the order they are gone through, each with its number of attempts."""
    attempts = (
        select(func.count())
        .where(StageAttempt.build_id == BuildStage.build_id, StageAttempt.stage == BuildStage.stage)
        .correlate(BuildStage)
        .scalar_subquery()
    )
    rows = await session.execute(
        select(BuildStage, attempts.label("attempts"))
        .where(BuildStage.build_id == build_id)
        .order_by(BuildStage.stage != SOLVE, BuildStage.stage != PREFIX, BuildStage.stage)
    )
    return [(row[0], row[1] or 0) for row in rows]
