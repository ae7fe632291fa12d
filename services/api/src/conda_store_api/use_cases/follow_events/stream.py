"""One stream of public events: where its reader is in the log, and what comes next."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic_core import to_json
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_api.repositories.build_ends import is_over
from conda_store_api.repositories.event_log import LogBounds, find_bounds, find_first_type
from conda_store_api.repositories.events import EventFilter, EventPage, EventReader, list_visible_events
from conda_store_api.use_cases.event_readers import event_reader
from conda_store_api.use_cases.follow_events.feed import EventFeed
from conda_store_api.use_cases.follow_events.seat import Logged, Seat
from conda_store_api.use_cases.wake import Wake
from conda_store_shared.db.engine import Database
from conda_store_shared.db.models import PublicEvent
from conda_store_shared.db.queries.builds import BuildPlace
from conda_store_shared.domain.permission import Permission
from conda_store_shared.domain.public_event import PublicEventType
from conda_store_shared.errors import DatabaseUnavailable
from conda_store_shared.web.authentication import Principal
from conda_store_shared.web.server_sent_events import frame

# Bytes that wait for a reader; whoever is slower reads on from the log.
_MOST_QUEUED = 64 * 1024
_PAGE = 50
# Of a log with few events that fit, so many are looked at by one query.
_STRIDE = 50_000
_PAUSE = 1.0
_LAST_OF_BUILD = frozenset(
    {
        PublicEventType.BUILD_ARTIFACTS_COMPLETED,
        PublicEventType.BUILD_FAILED,
        PublicEventType.BUILD_CANCELED,
        PublicEventType.BUILD_DELETED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What a stream tells of: events that fit ``filters``, beyond the one with the id ``position``.

    One that begins ``now`` does so at the newest event there is.  The stream of a build ends with it, or when its
    reader may not read the build any more.
    """

    filters: EventFilter
    position: int
    now: bool = False
    build: BuildPlace | None = None

    @property
    def snapshot(self) -> str:
        """Where to look, below the root of the API, when what happened is not in the log any more."""
        if self.build is not None:
            return f"build/{self.build.build_id}/"
        namespace, environment = self.filters.namespace, self.filters.environment
        if namespace is None:
            return "environment/"
        return f"namespace/{namespace}/" if environment is None else f"environment/{namespace}/{environment}/"


class EventSource:
    """A source of server-sent events (``web.server_sent_events.Source``), whose memory is bounded."""

    def __init__(self, feed: EventFeed, principal: Principal, followed: Followed) -> None:
        self._feed = feed
        self._principal = principal
        self._followed = followed
        self._position = followed.position
        # The id its reader would connect again with.
        self._told = None if followed.now else followed.position
        self._begun = False
        self._queue = deque[tuple[PublicEventType | None, int, bytes]]()
        self._queued = 0
        self._page = _PAGE
        self._level = False
        self._over = False
        self._refused: str | None = None
        self._seat: Seat | None = None
        self._wake = Wake()

    async def take(self, seconds: float) -> bytes | None:
        """Return the next frames: nothing when none came in time, None at the end."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        if self._seat is None:
            self._seat = self._feed.sit(self._principal, self)
            if self._followed.now:
                self._level = self._feed.is_level(self._position, self._position)
                return self._place()
        while True:
            if self._refused is not None:
                return self._last_words()
            if self._queue:
                return self._taken()
            if self._over:
                return None
            if loop.time() >= until:
                return self._place()
            await self._go_on(until - loop.time())

    def close(self) -> None:
        """Nobody reads any more."""
        if self._seat is not None:
            self._feed.leave(self._seat, self)

    def offer(self, known: Sequence[Logged], through: int) -> None:
        """Queue what fits, as long as there is room; beyond it the stream reads on from the log by itself."""
        if not self._level:
            return
        for each in known:
            if each.event.id > self._position and self._followed.filters.admits(each.event) and not self._put(each):
                self._level = False
                break
        else:
            self._position = max(self._position, through)
        if self._queue:
            self._wake.set()

    def check(self, principal: Principal) -> None:
        """End the stream of a build that its reader may not read any more."""
        place = self._followed.build
        if place and not principal.may((Permission.ENVIRONMENT_READ,), place.namespace, place.environment):
            self.refuse("request not authorized")

    def refuse(self, message: str) -> None:
        """Its reader may not read it any more."""
        self._refused = self._refused or message
        self._wake.set()

    async def _go_on(self, seconds: float) -> None:
        if self._level:
            await self._wake.wait(seconds)
            return
        try:
            async with self._feed.turns, self._feed.database.session() as session:
                await self._catch_up(session, self._seated.reader)
        except DatabaseUnavailable:
            await self._wake.wait(min(seconds, _PAUSE))

    @property
    def _seated(self) -> Seat:
        assert self._seat is not None  # noqa: S101  taken as it began
        return self._seat

    async def _catch_up(self, session: AsyncSession, reader: EventReader) -> None:
        """Read on from the log; be level with it, or over, when there is no more."""
        build = self._followed.build
        # Before the events: those of its end are in the log by then.
        over = build is not None and await is_over(session, build.build_id)
        bounds = await find_bounds(session)
        if await self._has_lost(session, bounds):
            self._reset(bounds)
        through = bounds.newest if build else min(bounds.newest, max(self._position, bounds.oldest) + _STRIDE)
        page = EventPage(limit=self._page, descending=False, after=self._position)
        filters = replace(self._followed.filters, through=through)
        events = await list_visible_events(session, reader, filters, page) if self._position < through else ()
        if self._put_all(events) and len(events) < page.limit:
            self._position = max(self._position, through)
            if through == bounds.newest:
                self._over = over
                self._level = self._feed.is_level(self._position, bounds.newest)

    def _put_all(self, events: Sequence[PublicEvent]) -> bool:
        """Queue events as long as there is room; of large ones, fewer are read at once the next time."""
        for number, event in enumerate(events):
            if not self._put(self._feed.logged(event)):
                self._page = number + 1
                return False
        self._page = min(2 * self._page, _PAGE)
        return True

    async def _has_lost(self, session: AsyncSession, bounds: LogBounds) -> bool:
        """Whether there was more than the log has now."""
        build = self._followed.build
        begun, self._begun = self._begun, True
        if build is not None and self._position == 0 and not begun:
            return await find_first_type(session, build.build_id) != PublicEventType.BUILD_QUEUED
        return bounds.have_lost(self._position)

    def _reset(self, bounds: LogBounds) -> None:
        """Tell that events are missing, and where to see what has become of it all; later ones follow."""
        if self._position:
            self._position = bounds.newest
        data = to_json({"snapshot": f"{self._feed.prefix}/api/v1/{self._followed.snapshot}"})
        event_id = str(self._position) if self._position else None
        self._enqueue(None, self._position, frame(data, event_id=event_id, event="reset"))

    def _put(self, each: Logged) -> bool:
        """Queue an event; False when there is no room, and the stream stays before it."""
        if self._queue and self._queued + len(each.frame) > _MOST_QUEUED:
            return False
        self._position = each.event.id
        self._enqueue(PublicEventType(each.event.type), each.event.id, each.frame)
        return True

    def _enqueue(self, kind: PublicEventType | None, event_id: int, text: bytes) -> None:
        self._queue.append((kind, event_id, text))
        self._queued += len(text)

    def _taken(self) -> bytes:
        taken = list(self._queue)
        self._queue.clear()
        self._queued, self._told = 0, taken[-1][1]
        if self._followed.build is not None and any(kind in _LAST_OF_BUILD for kind, _, _ in taken):
            # Look whether that was the last of it.
            self._level = False
        return b"".join(text for _, _, text in taken)

    def _place(self) -> bytes:
        """Tell a silent reader how far the log was read for it, so that it need not be read again."""
        if self._position in (0, self._told):
            return b""
        self._told = self._position
        return frame(event_id=str(self._position))

    def _last_words(self) -> bytes | None:
        if self._over:
            return None
        self._over = True
        return frame(to_json({"message": self._refused}), event="unauthorized")


async def has_ended(database: Database, principal: Principal, followed: Followed) -> bool:
    """Whether the stream of a build has nothing more to tell, now or later; raises DatabaseUnavailable."""
    async with database.session() as session:
        build = followed.build
        if build is None or not await is_over(session, build.build_id):
            return False
        if (await find_bounds(session)).have_lost(followed.position):
            return False
        page = EventPage(limit=1, descending=False, after=followed.position)
        return not await list_visible_events(session, event_reader(principal), followed.filters, page)
