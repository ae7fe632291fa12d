"""Reads the log of a build as far as it has come."""

from collections.abc import Sequence

from sqlalchemy import and_, exists, not_, select
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_artifacts.domain.log_position import LogPiece, LogPosition
from conda_store_shared.db.models import Build, BuildArtifact, BuildLog
from conda_store_shared.domain.artifact import ArtifactType

_HAS_OBJECT = exists().where(BuildArtifact.build_id == Build.id, BuildArtifact.artifact_type == ArtifactType.LOGS)
_HAS_PIECES = exists().where(BuildLog.build_id == Build.id)
# Whether the log of a build is stored as a whole.
LOG_IS_STORED = and_(_HAS_OBJECT, Build.logs_stored_on.is_not(None) | ~_HAS_PIECES)


async def list_log_attempts(session: AsyncSession, build_id: int) -> Sequence[str]:
    """Return the attempts that have written to a build's log."""
    found = await session.scalars(select(BuildLog.attempt_id).where(BuildLog.build_id == build_id).distinct())
    return found.all()


async def list_pieces_after(
    session: AsyncSession, build_id: int, position: LogPosition, limit: int
) -> Sequence[LogPiece]:
    """Return at most ``limit`` pieces not seen yet, attempts in the order they began."""
    seen = [
        and_(BuildLog.attempt_id == attempt_id, BuildLog.sequence < position.seen_of(attempt_id))
        for attempt_id in await list_log_attempts(session, build_id)
        if position.seen_of(attempt_id)
    ]
    rows = await session.execute(
        select(BuildLog.stage, BuildLog.attempt_id, BuildLog.sequence, BuildLog.lines)
        .where(BuildLog.build_id == build_id, *map(not_, seen))
        .order_by(BuildLog.attempt_started_at, BuildLog.attempt_id, BuildLog.sequence)
        .limit(limit)
    )
    return [
        LogPiece(stage=stage, attempt_id=attempt_id, sequence=sequence, lines=lines)
        for stage, attempt_id, sequence, lines in rows
    ]


async def is_log_stored(session: AsyncSession, build_id: int) -> bool:
    """Whether the whole log is an object, so that nothing more is expected; true for builds that never had pieces."""
    found = await session.scalar(select(Build.id).where(Build.id == build_id, LOG_IS_STORED))
    return found is not None
