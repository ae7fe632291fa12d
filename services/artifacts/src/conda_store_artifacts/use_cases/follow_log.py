"""Follows the log of a build while it is being written, until nothing more comes."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import accumulate, takewhile

from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_artifacts.domain.followed_log import Attempt, LogEnd, Telling, Told
from conda_store_artifacts.domain.log_position import LogPiece, LogPosition, without_gaps
from conda_store_artifacts.repositories.followed_logs import LogState, find_log_state, list_attempts
from conda_store_artifacts.repositories.logs import list_pieces_after
from conda_store_artifacts.use_cases.build_notices import BuildNotices
from conda_store_shared.db.engine import Database
from conda_store_shared.errors import DatabaseUnavailable

# So much is held for a reader who takes their time, and one piece more: those have at most 64 KiB.
_CHARACTERS_AT_ONCE = 64 * 1024
# What a reader begins with; long pieces are read by fewer at once, short ones by more.
_PIECES_AT_ONCE, _FEWEST_PIECES, _MOST_PIECES = 8, 2, 64
_TURNS = 2

News = Told | LogEnd
RequireRight = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowTools:
    """What following works with.

    A reader who is told nothing by the notices is asked for their right every ``check`` seconds, and looks for news
    every ``look`` seconds.  As many as there are ``turns`` look at once, so that others need not wait for them.
    """

    database: Database
    notices: BuildNotices = field(default_factory=BuildNotices)
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_TURNS))
    check: float = 2.0
    look: float = 30.0


class LogFollower:
    """Somebody who reads the log of a build from a position on; to be closed.

    ``require_right`` is asked before anything is told, and now and then; it raises when the reader may not know of the
    build any more.
    """

    def __init__(
        self, build_id: int, position: LogPosition, *, tools: FollowTools, require_right: RequireRight
    ) -> None:
        self._build_id = build_id
        self._telling = Telling(position)
        self._tools = tools
        self._require_right = require_right
        self._is_over = False
        self._look_at = 0.0
        self._at_once = _PIECES_AT_ONCE
        self._waiting = ExitStack()
        self._happened = self._waiting.enter_context(tools.notices.of(build_id))

    def close(self) -> None:
        """Read no more."""
        self._waiting.close()

    async def take(self, seconds: float) -> Sequence[News] | None:
        """Return what follows: nothing when nothing comes within ``seconds``, None once the end was told.

        Raises what ``require_right`` raises.  A database that is away is waited for.
        """
        if self._is_over:
            return None
        clock = asyncio.get_running_loop().time
        give_up_at = clock() + seconds
        while True:
            try:
                news = await self._look_if_due(clock())
            except DatabaseUnavailable:
                news = []
            if news or clock() >= give_up_at:
                return news
            await _wait(self._happened, min(self._tools.check, give_up_at - clock()))

    async def _look_if_due(self, now: float) -> list[News]:
        if now < self._look_at and not self._happened.is_set():
            await self._require_right()
            return []
        self._happened.clear()
        # Until all went well.
        self._look_at = now
        async with self._tools.turns, self._tools.database.session() as session:
            seen = await _see(session, self._build_id, self._telling.position, self._at_once)
        self._at_once = _fitting(self._at_once, seen)
        await self._require_right()
        news: list[News] = list(self._telling.tell(seen.pieces, seen.attempts, is_all=seen.is_all))
        if seen.is_over:
            self._is_over = True
            news.append(seen.end(self._telling.position))
        if seen.is_all:
            self._look_at = now + self._tools.look
        return news


async def has_ended(session: AsyncSession, build_id: int, position: LogPosition) -> bool:
    """Whether there is nothing after ``position``, nor will there be."""
    seen = await _see(session, build_id, position, 1)
    return seen.is_over and not seen.pieces


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """A log after a position; ``state`` is None when its build is gone."""

    state: LogState | None
    attempts: Sequence[Attempt]
    pieces: Sequence[LogPiece]
    is_all: bool

    @property
    def is_over(self) -> bool:
        return self.is_all and (self.state is None or self.state.is_over)

    def end(self, position: LogPosition) -> LogEnd:
        is_deleted = self.state is None or self.state.is_deleted
        status = self.state.status if self.state else None
        return LogEnd(reason="deleted" if is_deleted else "complete", status=status, position=position)


async def _see(session: AsyncSession, build_id: int, position: LogPosition, at_once: int) -> _Seen:
    # Asked first: what is written afterwards is then no part of a log that is called over.
    state = await find_log_state(session, build_id)
    attempts = await list_attempts(session, build_id)
    found = await list_pieces_after(session, build_id, position, at_once)
    held = _first(found, _CHARACTERS_AT_ONCE)
    # Of a log that is over no more pieces come, so none are waited for.
    is_over = state is None or state.is_over
    return _Seen(
        state=state,
        attempts=attempts,
        pieces=held if is_over else without_gaps(held, position),
        is_all=len(found) < at_once and len(held) == len(found),
    )


def _first(pieces: Sequence[LogPiece], characters: int) -> Sequence[LogPiece]:
    """The first pieces, up to the one that makes them so long."""
    lengths = accumulate(len(piece.lines) for piece in pieces)
    return pieces[: 1 + sum(1 for _ in takewhile(lambda length: length < characters, lengths))]


def _fitting(at_once: int, seen: _Seen) -> int:
    """How many pieces to read next, so that they are about as long as what is held."""
    length = sum(len(piece.lines) for piece in seen.pieces)
    if length >= _CHARACTERS_AT_ONCE:
        return max(at_once // 2, _FEWEST_PIECES)
    return min(at_once * 2, _MOST_PIECES) if length < _CHARACTERS_AT_ONCE // 2 and not seen.is_all else at_once


async def _wait(happened: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await happened.wait()
    except TimeoutError:
        pass
