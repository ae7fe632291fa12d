"""Rows of build logs."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Integer, bindparam, case, exists, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_api.repositories.stages import OPEN
from conda_store_shared.contracts.events import LogWritten
from conda_store_shared.db.models import Build, BuildArtifact, BuildLog, BuildStage
from conda_store_shared.db.moments import naive
from conda_store_shared.db.statements import insert_new_from
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.build import TERMINAL

MAXIMUM_LOG_BYTES = 10 * 1024 * 1024
_TRUNCATED = "\nthe log is truncated: it has more than 10 MB\n"
# Made once: putting a statement together takes longer than running it.
_SIZE = bindparam("piece_size", type_=Integer)
_FITS = Build.log_bytes + _SIZE <= MAXIMUM_LOG_BYTES
_PIECE = select(
    Build.id.label("build_id"),
    bindparam("of_stage", type_=BuildLog.stage.type).label("stage"),
    bindparam("of_attempt", type_=BuildLog.attempt_id.type).label("attempt_id"),
    bindparam("number", type_=BuildLog.sequence.type).label("sequence"),
    bindparam("began", type_=BuildLog.attempt_started_at.type).label("attempt_started_at"),
    case((_FITS, bindparam("text", type_=BuildLog.lines.type)), else_=_TRUNCATED).label("lines"),
).where(Build.id == bindparam("of_build"), Build.deleted_on.is_(None), Build.log_bytes <= MAXIMUM_LOG_BYTES)
_build = Build.__table__.c
_CHANGE = update(Build.__table__).where(_build.id == bindparam("of_build"))  # type: ignore[arg-type]
# A piece that comes after the log object was stored has it written again; not that of a build which was deleted since
# the piece was kept.
_GROW = _CHANGE.where(_build.deleted_on.is_(None)).values(
    log_bytes=_build.log_bytes + case((_FITS, _SIZE), else_=MAXIMUM_LOG_BYTES + 1), logs_stored_on=None
)
_STORED = _CHANGE.where(_build.log_bytes == bindparam("known_bytes"), _build.logs_stored_on.is_(None))
_WITHOUT_LOG = (
    select(Build.id, Build.build_key, Build.log_bytes)
    .where(Build.status.in_(TERMINAL), Build.logs_stored_on.is_(None))
    .where(~exists().where(BuildStage.build_id == Build.id, BuildStage.state.in_(OPEN)))
    .order_by(Build.id)
    .limit(bindparam("at_most"))
)


async def append_log(session: AsyncSession, event: LogWritten) -> None:
    """Keep a piece unless it is there already; past the limit only one line saying so is kept.

    What is said of a deleted build is not kept: the object may be gone, or is not to change any more.
    """
    piece = {
        "of_build": event.build_id,
        "of_stage": event.stage,
        "of_attempt": event.attempt_id,
        "number": event.sequence,
        "began": naive(event.attempt_started_at),
        "text": event.lines,
        "piece_size": len(event.lines),
    }
    if await insert_new_from(session, BuildLog, _PIECE, piece):
        grown = {"of_build": event.build_id, "piece_size": len(event.lines)}
        await (await session.connection()).execute(_GROW, grown)


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
    rows = await session.execute(_WITHOUT_LOG, {"at_most": limit})
    return [(build_id, build_key, log_bytes) for build_id, build_key, log_bytes in rows]


async def mark_log_stored(session: AsyncSession, build_id: int, log_bytes: int, now: datetime) -> bool:
    """Note that the log object is stored, unless the log has grown past ``log_bytes`` or was forgotten meanwhile."""
    values = {"of_build": build_id, "known_bytes": log_bytes, "logs_stored_on": now}
    return bool((await (await session.connection()).execute(_STORED, values)).rowcount)


async def is_log_wanted(session: AsyncSession, build_id: int) -> bool:
    """Whether a log object of the build may be there: it is recorded, or will be."""
    has_object = exists().where(BuildArtifact.build_id == Build.id, BuildArtifact.artifact_type == ArtifactType.LOGS)
    wanted = select(Build.id).where(Build.id == build_id, has_object | Build.logs_stored_on.is_(None))
    return await session.scalar(wanted) is not None
