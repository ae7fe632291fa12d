"""How far those have come who are told of public events one after the other, and what comes next for them."""

from collections.abc import Collection, Sequence

from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_api.repositories.waiting import Waiting
from conda_store_shared.db.models import EventCursor, PublicEvent
from conda_store_shared.domain.public_event import PublicEventType

_READER = EventCursor.reader == bindparam("of_reader")
_POSITION = select(EventCursor.position).where(_READER)
_NEWEST = select(func.coalesce(func.max(PublicEvent.id), 0))
_NEXT = select(PublicEvent).where(PublicEvent.id > bindparam("position")).order_by(PublicEvent.id)
_BEGIN = insert(EventCursor).values(reader=bindparam("of_reader"), position=_NEWEST.scalar_subquery())
_MOVE = (
    update(EventCursor)
    .where(_READER, EventCursor.position == bindparam("before"))
    .values(position=bindparam("after"))
    .execution_options(synchronize_session=False)
)
# Of more than that nobody needs the number.
MOST_COUNTED = 10_000


async def find_position(session: AsyncSession, reader: str) -> int | None:
    """Return the id of the last event that a reader is done with; None for one that has never begun."""
    return await session.scalar(_POSITION, {"of_reader": reader})


async def begin_now(session: AsyncSession, reader: str) -> None:
    """Let a reader begin with what comes after the newest event."""
    await session.execute(_BEGIN, {"of_reader": reader})


async def move_cursor(session: AsyncSession, reader: str, before: int, after: int) -> bool:
    """Note that a reader has come from one event to another; False when somebody else has moved it meanwhile."""
    moved = await session.execute(_MOVE, {"of_reader": reader, "before": before, "after": after})
    return bool(moved.rowcount)  # type: ignore[attr-defined]


async def list_next(
    session: AsyncSession, position: int, limit: int, types: Collection[PublicEventType] = ()
) -> Sequence[PublicEvent]:
    """Return the first events beyond a position, of some types or of all."""
    statement = _NEXT.where(PublicEvent.type.in_(types)) if types else _NEXT
    return (await session.scalars(statement.limit(limit), {"position": position})).all()


async def find_newest(session: AsyncSession) -> int:
    """Return the id of the newest event; 0 when there is none."""
    return await session.scalar(_NEWEST) or 0


async def list_readers(session: AsyncSession) -> Sequence[str]:
    """Return all who have begun."""
    return (await session.scalars(select(EventCursor.reader))).all()


async def forget_reader(session: AsyncSession, reader: str) -> None:
    """Let a reader, should it come back, begin anew."""
    await session.execute(delete(EventCursor).where(_READER), {"of_reader": reader})


async def count_untold(session: AsyncSession) -> Sequence[Waiting]:
    """Return how many events each reader has not been told of, MOST_COUNTED at most, since the first of them."""
    cursors = (await session.execute(select(EventCursor.reader, EventCursor.position))).all()
    return [await _count_beyond(session, reader, position) for reader, position in cursors]


async def _count_beyond(session: AsyncSession, reader: str, position: int) -> Waiting:
    beyond = select(PublicEvent.time).where(PublicEvent.id > position).order_by(PublicEvent.id).limit(MOST_COUNTED)
    found = (await session.execute(select(func.count(), func.min(beyond.subquery().c.time)))).one()
    return Waiting(kind=(reader,), count=found[0], oldest=found[1])
