"""What artifacts does by itself: collect garbage in the object store and its package cache; see which logs grow."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from conda_store_artifacts.repositories.followed_logs import mark_logs
from conda_store_artifacts.use_cases.build_notices import BuildNotices
from conda_store_artifacts.use_cases.collect_garbage import collect_garbage
from conda_store_shared.db.engine import Database
from conda_store_shared.db.moments import now
from conda_store_shared.errors import Unavailable
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.transaction import Transactions

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class GarbageCollector:
    """Looks every ``interval`` seconds for what nobody has used for ``grace`` seconds.

    ``caches`` remove what is older than so many seconds from local disk.
    """

    transactions: Transactions
    store: ObjectStore
    caches: Sequence[Callable[[float], None]]
    grace: float
    interval: float

    async def run(self) -> None:
        """Collect for ever."""
        while True:
            await asyncio.sleep(self.interval)
            for remove_unused in self.caches:
                await asyncio.to_thread(self._tidy, remove_unused)
            try:
                before = now() - timedelta(seconds=self.grace)
                await collect_garbage(before, transactions=self.transactions, store=self.store)
            except Unavailable as error:
                log.warning("collecting_waits", reason=error.message)

    def _tidy(self, remove_unused: Callable[[float], None]) -> None:
        try:
            remove_unused(self.grace)
        except OSError as error:
            log.warning("tidying_waits", path=error.filename, reason=error.strerror)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogWatch:
    """Wakes those who follow logs: one look for all of them every ``interval`` seconds, none while there is nobody."""

    database: Database
    notices: BuildNotices
    interval: float = 0.2

    async def run(self) -> None:
        """Look for ever."""
        known: Mapping[int, Any] = {}
        while True:
            builds = await self.notices.builds()
            try:
                async with self.database.session() as session:
                    marks = await mark_logs(session, builds)
            except Unavailable as error:
                log.warning("watching_logs_waits", reason=error.message)
            else:
                self.notices.hear(" ".join(str(each) for each in builds if marks.get(each) != known.get(each, ())))
                known = marks
            await asyncio.sleep(self.interval)
