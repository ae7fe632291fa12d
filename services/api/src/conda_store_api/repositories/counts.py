"""How many rows long lists have: counted now and then, and before anybody has to wait for it."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

import structlog
from sqlalchemy import Select, func, select

from conda_store_shared.db.engine import Database
from conda_store_shared.db.reading import Reader
from conda_store_shared.errors import DatabaseUnavailable

# As many rows are counted in the time that reading a page takes.
CHEAP = 2_000
OLDEST_SECONDS = 2.0
# What takes long to count may be older, for the readers not to wait for those who count: by so many times as long.
PATIENCE = 100
_KEPT = 64

_log = structlog.get_logger()


@dataclass(slots=True)
class _Count:
    """``rows`` there were at a moment, and whether anybody wanted to know since."""

    rows: int
    counted_at: float
    oldest: float = OLDEST_SECONDS
    wanted: bool = True
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Counts:
    """Counts of lists of more than CHEAP rows; lists are told by the ids they select.

    A count is at most two seconds old, or PATIENCE times as old as counting took.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._counts: dict[Select[int], _Count] = {}

    def known(self, ids: Select[int]) -> int | None:
        """Return the count when it is known."""
        count = self._counts.get(ids)
        if count is None or self._clock() - count.counted_at > count.oldest:
            return None
        count.wanted = True
        return count.rows

    async def count(self, reader: Reader, ids: Select[int]) -> int:
        """Return the count; those who ask for the same at once wait for one of them."""
        count = self._counts.get(ids) or self._keep(ids, _Count(rows=0, counted_at=float("-inf")))
        async with count.turn:
            known = self.known(ids)
            return await self._renew(reader, ids, count) if known is None else known

    async def renew_forever(self) -> None:
        """Keep the counts young that are asked for."""
        while True:
            await asyncio.sleep(OLDEST_SECONDS / 4)
            try:
                await self.renew()
            except DatabaseUnavailable as error:
                _log.warning("counts_are_not_renewed", reason=error.message)

    async def renew(self) -> None:
        """Count again what is half as old as it may be and was asked for meanwhile; forget the rest."""
        for ids, count in list(self._counts.items()):
            if self._clock() - count.counted_at < count.oldest / 2 or count.turn.locked():
                continue
            if not count.wanted:
                self._counts.pop(ids, None)
                continue
            async with self._database.reader() as reader:
                await self._renew(reader, ids, count)
            count.wanted = False

    async def _renew(self, reader: Reader, ids: Select[int], count: _Count) -> int:
        began = self._clock()
        count.rows = await reader.value(_count_of(ids))
        count.counted_at = began
        count.oldest = max(OLDEST_SECONDS, PATIENCE * (self._clock() - began))
        if count.rows <= CHEAP:
            self._counts.pop(ids, None)
        return count.rows

    def _keep(self, ids: Select[int], count: _Count) -> _Count:
        if len(self._counts) >= _KEPT:
            del self._counts[next(iter(self._counts))]
        self._counts[ids] = count
        return count


@lru_cache(maxsize=_KEPT)
def _count_of(ids: Select[int]) -> Select[int]:
    return select(func.count()).select_from(ids.subquery())
