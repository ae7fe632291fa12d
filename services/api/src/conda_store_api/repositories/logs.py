"""Rows of build logs."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import exists, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_api.repositories.stages import OPEN
from conda_store_shared.contracts.events import LogWritten
from conda_store_shared.db.models import Build, BuildLog, BuildStage
from conda_store_shared.db.moments import naive
from conda_store_shared.db.statements import insert_new
from conda_store_shared.domain.build import TERMINAL

MAXIMUM_LOG_BYTES = 10 * 1024 * 1024
_TRUNCATED = "\nthe log is truncated: it has more than 10 MB\n"


async def append_log(session: AsyncSession, event: LogWritten) -> None:
    """Keep a piece unless it is there already; past the limit only one line saying so is kept."""
    kept = await session.scalar(select(Build.log_bytes).where(Build.id == event.build_id))
    if kept is None or kept > MAXIMUM_LOG_BYTES:
        return
    lines = event.lines if kept + len(event.lines) <= MAXIMUM_LOG_BYTES else _TRUNCATED
    row = {
        "build_id": event.build_id,
        "stage": event.stage,
        "attempt_id": event.attempt_id,
        "sequence": event.sequence,
        "attempt_started_at": naive(event.attempt_started_at),
        "lines": lines,
    }
    if await insert_new(session, BuildLog, row):
        grown = len(lines) if lines is event.lines else MAXIMUM_LOG_BYTES + 1
        # A piece that comes after the log object was stored has it written again.
        await session.execute(
            update(Build)
            .where(Build.id == event.build_id)
            .values(log_bytes=Build.log_bytes + grown, logs_stored_on=None)
        )


async def list_builds_without_log(session: AsyncSession, limit: int) -> Sequence[tuple[int, str, int]]:
    """Return (id, build key, log bytes) of builds that are over in all their stages and have no log object yet."""
    is_open = exists().where(BuildStage.build_id == Build.id, BuildStage.state.in_(OPEN))
    rows = await session.execute(
        select(Build.id, Build.build_key, Build.log_bytes)
        .where(Build.status.in_(TERMINAL), Build.logs_stored_on.is_(None), ~is_open)
        .where(Build.deleted_on.is_(None))
        .order_by(Build.id)
        .limit(limit)
    )
    return [(build_id, build_key, log_bytes) for build_id, build_key, log_bytes in rows]


async def mark_log_stored(session: AsyncSession, build_id: int, log_bytes: int, now: datetime) -> bool:
    """Note that the log object is stored, unless the log has grown past ``log_bytes`` meanwhile."""
    result = await session.execute(
        update(Build).where(Build.id == build_id, Build.log_bytes == log_bytes).values(logs_stored_on=now)
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]
