"""Rows of remote solves; each lives as long as somebody waits for it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_shared.contracts.events import SolveAnswered
from conda_store_shared.db.models import RemoteSolve


async def add_solve(session: AsyncSession, solve_id: str, now: datetime) -> None:
    """Note that somebody waits."""
    session.add(RemoteSolve(solve_id=solve_id, scheduled_on=now))
    await session.flush()


async def end_solve(session: AsyncSession, answered: SolveAnswered, now: datetime) -> None:
    """Note what came of it; the first word counts, and one that nobody waits for is forgotten."""
    values = {
        "ended_on": now,
        "answer_digest": answered.answer_digest or None,
        "code": answered.code or None,
        "detail": answered.detail or None,
        "transient": answered.transient,
    }
    waiting = RemoteSolve.solve_id == answered.solve_id, RemoteSolve.ended_on.is_(None)
    await session.execute(update(RemoteSolve).where(*waiting).values(values))


async def find_answer(session: AsyncSession, solve_id: str) -> SolveAnswered | None:
    """Return what came of a remote solve; None while nothing did."""
    row = await session.scalar(
        select(RemoteSolve).where(RemoteSolve.solve_id == solve_id, RemoteSolve.ended_on.is_not(None))
    )
    if row is None:
        return None
    return SolveAnswered(
        solve_id=solve_id,
        answer_digest=row.answer_digest or "",
        code=row.code or "",
        detail=row.detail or "",
        transient=row.transient,
    )


async def remove_solve(session: AsyncSession, solve_id: str) -> None:
    """Forget a remote solve."""
    await session.execute(delete(RemoteSolve).where(RemoteSolve.solve_id == solve_id))


async def list_forsaken_solves(session: AsyncSession, before: datetime) -> Sequence[str]:
    """Return the remote solves begun before some time: whoever waited died without a word."""
    rows = await session.scalars(select(RemoteSolve.solve_id).where(RemoteSolve.scheduled_on < before))
    return rows.all()
