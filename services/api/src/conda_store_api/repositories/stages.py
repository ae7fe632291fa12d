"""Rows of stages and of the attempts at them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Update, bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from conda_store_shared.db.models import Build, BuildStage, StageAttempt
from conda_store_shared.db.statements import insert_new
from conda_store_shared.domain.stage import PREFIX, SOLVE, artifact_type_of

WAITING, REQUESTED, RUNNING, DONE, FAILED, CANCELED = "waiting", "requested", "running", "done", "failed", "canceled"
OPEN = (WAITING, REQUESTED, RUNNING)
# Made once: putting a statement together takes longer than running it.
_stage = BuildStage.__table__.c
_OF_BUILD = update(BuildStage.__table__).where(_stage.build_id == bindparam("of_build"))  # type: ignore[arg-type]
_REOPEN = _OF_BUILD.where(_stage.stage.in_(bindparam("of_stages", expanding=True)))
_CHANGE = _REOPEN.where(_stage.state.in_(OPEN))
_STATES = select(BuildStage.stage, BuildStage.state).where(BuildStage.build_id == bindparam("of_build"))
_CANCEL = _OF_BUILD.where(_stage.state.in_(OPEN))


async def open_stage(session: AsyncSession, build_id: int, stage: str, now: datetime) -> None:
    """Note that the stage is requested; a stage there already is opened again."""
    values = {"state": REQUESTED, "requested_on": now, "not_before": None}
    new = {"build_id": build_id, "stage": stage, "failures": 0, "done": 0, "total": 0, "unit": "", **values}
    if not await insert_new(session, BuildStage, new):
        await _update(session, _REOPEN, {"of_build": build_id, "of_stages": [stage], **values})


async def change_stage(session: AsyncSession, build_id: int, stage: str, values: dict[str, Any]) -> bool:
    """Change a stage that is still open; False when it is over or there is none."""
    return await change_stages(session, build_id, (stage,), values) == 1


async def change_stages(session: AsyncSession, build_id: int, stages: Sequence[str], values: dict[str, Any]) -> int:
    """Change those of the stages that are still open; return how many."""
    return await _update(session, _CHANGE, {"of_build": build_id, "of_stages": list(stages), **values})


async def cancel_stages(session: AsyncSession, build_id: int) -> bool:
    """Close every open stage of a build; False when none was open."""
    return await _update(session, _CANCEL, {"of_build": build_id, "state": CANCELED}) > 0


async def _update(session: AsyncSession, statement: Update, values: dict[str, Any]) -> int:
    connection = await session.connection()
    return (await connection.execute(statement, values)).rowcount


async def find_stage(session: AsyncSession, build_id: int, stage: str) -> BuildStage | None:
    """Return the stage as it is now."""
    return await session.get(BuildStage, (build_id, stage), populate_existing=True)


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


async def list_artifact_stages(session: AsyncSession, build_id: int) -> dict[str, str]:
    """Return the state of each stage that makes an artifact, by the type of the artifact."""
    rows = await session.execute(_STATES, {"of_build": build_id})
    return {kind.value: state for stage, state in rows if (kind := artifact_type_of(stage)) is not None}


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
