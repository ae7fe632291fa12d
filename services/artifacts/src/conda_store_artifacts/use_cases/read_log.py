"""The log of a build from a position on, while it is being written."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_artifacts.domain.log_position import LogPosition, without_gaps
from conda_store_artifacts.repositories.logs import is_log_stored, list_pieces_after

# Pieces have at most 64 KiB; a reader comes back for more.
_PIECES_AT_ONCE = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPart:
    """Log text, the position after it, and whether it reaches the end of a log that is complete."""

    text: str
    position: LogPosition
    complete: bool


async def read_log(session: AsyncSession, build_id: int, position: LogPosition) -> LogPart:
    """Return what was written after ``position``."""
    # Asked first: what is written afterwards is then no part of a log called complete.
    stored = await is_log_stored(session, build_id)
    found = await list_pieces_after(session, build_id, position, _PIECES_AT_ONCE)
    # Of a log that is over no more pieces come, so none are waited for.
    pieces = found if stored else without_gaps(found, position)
    return LogPart(
        text="".join(piece.lines for piece in pieces),
        position=position.after(pieces),
        complete=stored and len(found) < _PIECES_AT_ONCE,
    )
