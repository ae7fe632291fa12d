"""Reads what followers of logs have to know besides the text: attempts, the end, and which logs have grown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_artifacts.domain.followed_log import Attempt
from conda_store_artifacts.repositories.logs import LOG_IS_STORED
from conda_store_shared.db.models import Build, StageAttempt

_BUILDS_AT_ONCE = 500
_ATTEMPTS = select(func.count()).where(StageAttempt.build_id == Build.id).correlate(Build)
_MARKS = select(
    Build.id,
    Build.log_bytes,
    Build.logs_stored_on,
    Build.deleted_on,
    _ATTEMPTS.scalar_subquery(),
    _ATTEMPTS.where(StageAttempt.outcome.is_not(None)).scalar_subquery(),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogState:
    """Whether more is to be expected of a log, which is not when it ``is_stored`` or its build ``is_deleted``."""

    status: str
    is_stored: bool
    is_deleted: bool

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes."""
        return self.is_stored or self.is_deleted


async def find_log_state(session: AsyncSession, build_id: int) -> LogState | None:
    """Return how far the log of a build is; None when there is no such build any more."""
    wanted = select(Build.status, Build.deleted_on, LOG_IS_STORED).where(Build.id == build_id)
    row = (await session.execute(wanted)).one_or_none()
    if row is None:
        return None
    status, deleted_on, is_stored = row
    return LogState(status=status, is_stored=is_stored, is_deleted=deleted_on is not None)


async def list_attempts(session: AsyncSession, build_id: int) -> Sequence[Attempt]:
    """Return the attempts at all stages of a build."""
    rows = await session.execute(
        select(StageAttempt.stage, StageAttempt.attempt_id, StageAttempt.number, StageAttempt.outcome)
        .where(StageAttempt.build_id == build_id)
        .order_by(StageAttempt.started_at)
    )
    return [
        Attempt(stage=stage, attempt_id=attempt_id, number=number, outcome=outcome)
        for stage, attempt_id, number, outcome in rows
    ]


async def mark_logs(session: AsyncSession, builds: Sequence[int]) -> Mapping[int, Any]:
    """Return, by build, a value that is another one as soon as there is something to tell those who follow its log."""
    marks: dict[int, Any] = {}
    for start in range(0, len(builds), _BUILDS_AT_ONCE):
        rows = await session.execute(_MARKS.where(Build.id.in_(builds[start : start + _BUILDS_AT_ONCE])))
        marks.update((row[0], tuple(row[1:])) for row in rows)
    return marks
