"""Rows of build logs."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import exists, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_api.repositories.stages import OPEN
from conda_store_shared.contracts.events import LogWritten
from conda_store_shared.db.models import Build, BuildArtifact, BuildLog, BuildStage
from conda_store_shared.db.moments import naive
from conda_store_shared.db.statements import insert_new
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.build import TERMINAL

MAXIMUM_LOG_BYTES = 10 * 1024 * 1024
_TRUNCATED = "\nthe log is truncated: it has more than 10 MB\n"


async def append_log(session: AsyncSession, event: LogWritten) -> None:
    """Keep a piece unless it is there already; past the limit only one line saying so is kept.

    What is said of a deleted build is not kept: the object may be gone, or is not to change any more.
    """
    kept = await session.scalar(select(Build.log_bytes).where(Build.id == event.build_id, Build.deleted_on.is_(None)))
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


async def note_in_log(session: AsyncSession, build_id: int, now: datetime, lines: str) -> None:
    """Add what the ledger itself has to say, after all that was said until now."""
    event = LogWritten(
        build_id=build_id,
        build_key="",
        stage="ledger",
        attempt_id=uuid.uuid4().hex,
        attempt_started_at=now.replace(tzinfo=UTC),
        sequence=0,
        lines=lines,
    )
    await append_log(session, event)


async def list_builds_without_log(session: AsyncSession, limit: int) -> Sequence[tuple[int, str, int]]:
    """Return (id, build key, log bytes) of builds that are over in all their stages and have no log object yet."""
    is_open = exists().where(BuildStage.build_id == Build.id, BuildStage.state.in_(OPEN))
    rows = await session.execute(
        select(Build.id, Build.build_key, Build.log_bytes)
        .where(Build.status.in_(TERMINAL), Build.logs_stored_on.is_(None), ~is_open)
        .order_by(Build.id)
        .limit(limit)
    )
    return [(build_id, build_key, log_bytes) for build_id, build_key, log_bytes in rows]


async def mark_log_stored(session: AsyncSession, build_id: int, log_bytes: int, now: datetime) -> bool:
    """Note that the log object is stored, unless the log has grown past ``log_bytes`` or was forgotten meanwhile."""
    result = await session.execute(
        update(Build)
        .where(Build.id == build_id, Build.log_bytes == log_bytes, Build.logs_stored_on.is_(None))
        .values(logs_stored_on=now)
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]


async def is_log_wanted(session: AsyncSession, build_id: int) -> bool:
    """Whether a log object of the build may be there: it is recorded, or will be."""
    has_object = exists().where(BuildArtifact.build_id == Build.id, BuildArtifact.artifact_type == ArtifactType.LOGS)
    wanted = select(Build.id).where(Build.id == build_id, has_object | Build.logs_stored_on.is_(None))
    return await session.scalar(wanted) is not None
