"""Reads the log of public events once for all streams of a process, and hands out what each reader may know of."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from conda_store_api.domain.cloud_event import cloud_event_json
from conda_store_api.repositories.event_cursors import find_newest, list_next
from conda_store_api.use_cases.follow_events.changed_rights import changed_by
from conda_store_api.use_cases.follow_events.seat import Follower, Logged, Seat, SeatKey, seat_key
from conda_store_api.use_cases.wake import Wake
from conda_store_shared.db.engine import Database
from conda_store_shared.db.models import PublicEvent
from conda_store_shared.domain.public_event import NEEDED
from conda_store_shared.errors import Unavailable
from conda_store_shared.web.authentication import Authenticator, Principal
from conda_store_shared.web.server_sent_events import frame

_BATCH = 200
# A notice may be lost.
_LOOK_SECONDS = 1.0
_TOKENS_SECONDS = 0.5
# Role bindings are read anew when the log tells that they changed; in between, for those who change tables by hand.
_BINDINGS_SECONDS = 300.0
# Somebody may have kept, a moment too long, what was so before the change.
_ONCE_MORE_SECONDS = 2.5
_PAUSE = 1.0
# So many are handed their events before others get a turn.
_AT_ONCE = 100
# Streams that catch up leave most connections to requests.
_CATCHING_UP = 4

log = structlog.get_logger()


class EventFeed:
    """The streams that are level with the log, by the credential they were opened with.

    A stream that is not, because it begins or its reader is slow, reads by itself and joins when it is.
    """

    def __init__(
        self, database: Database, authenticator: Authenticator, forget_rights: Callable[[], None], prefix: str
    ) -> None:
        self.database = database
        self.prefix = prefix
        self.turns = asyncio.Semaphore(_CATCHING_UP)
        self._authenticator = authenticator
        self._forget_rights = forget_rights
        self._seats: dict[SeatKey, Seat] = {}
        # None while nobody reads.
        self._position: int | None = None
        self._wake = Wake()

    def wake(self) -> None:
        """There may be more events."""
        self._wake.set()

    async def newest(self) -> int:
        """Return the id of the last event there is; raises DatabaseUnavailable."""
        async with self.database.session() as session:
            return await find_newest(session)

    def sit(self, principal: Principal, follower: Follower) -> Seat:
        """Count a stream in; its reader's rights are looked at from now on."""
        key = seat_key(principal)
        seat = self._seats.get(key)
        if seat is None:
            # What the caller may do is known by word of a moment ago, which the feed has not heard.
            seat = self._seats[key] = Seat(principal, _now() + _ONCE_MORE_SECONDS)
        seat.followers.add(follower)
        seat.principal = replace(seat.principal, expiration=principal.expiration)
        follower.check(seat.principal)
        return seat

    def leave(self, seat: Seat, follower: Follower) -> None:
        """Count a stream out."""
        seat.followers.discard(follower)
        key = seat_key(seat.principal)
        if not seat.followers and self._seats.get(key) is seat:
            del self._seats[key]
        if not self._seats:
            self._position = None

    def is_level(self, position: int, newest: int) -> bool:
        """Whether a stream that has seen all up to ``position`` misses nothing of what is handed out from now on.

        The first one tells the feed where the log ended a moment ago, at ``newest``.
        """
        if self._position is None:
            self._position = newest
        return position >= self._position

    def logged(self, event: PublicEvent) -> Logged:
        """Return an event as it is sent."""
        data = cloud_event_json(event, self.prefix)
        return Logged(event, frame(data, event_id=str(event.id), event=event.type))

    async def run(self) -> None:
        """Hand out events, and look at rights, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._hand_out_forever())
            group.create_task(self._watch_rights_forever())

    async def _hand_out_forever(self) -> None:
        while True:
            await self._wake.wait(_LOOK_SECONDS)
            try:
                while await self._hand_out_some():
                    pass
            except Unavailable as error:
                log.warning("event_feed_waits", reason=error.message)
                await asyncio.sleep(_PAUSE)

    async def _hand_out_some(self) -> bool:
        """Hand out the next events; False when there are no more."""
        start = self._position
        if start is None:
            return False
        async with self.database.session() as session:
            events = await list_next(session, start, _BATCH)
        await self._renew_rights(events)
        if not events or self._position != start:
            return bool(events)
        # Whoever becomes level from now on has seen these.
        through = self._position = events[-1].id
        # Of other types tells a newer release, which runs beside this one for a while.
        logged = [self.logged(event) for event in events if event.type in NEEDED]
        handed = 0
        for seat in tuple(self._seats.values()):
            known = [each for each in logged if seat.reader.may_know_of(each.event)]
            for follower in tuple(seat.followers):
                follower.offer(known, through)
                handed += 1
                if handed % _AT_ONCE == 0:
                    await asyncio.sleep(0)
        return len(events) == _BATCH

    async def _renew_rights(self, events: Sequence[PublicEvent]) -> None:
        """Let nobody know of what comes after the loss of a role."""
        changed = changed_by(events)
        if not changed:
            return
        self._forget_rights()
        for seat in tuple(self._seats.values()):
            if changed.concern(seat.principal):
                await self._renew(seat, _ONCE_MORE_SECONDS)

    async def _watch_rights_forever(self) -> None:
        while True:
            await asyncio.sleep(_TOKENS_SECONDS)
            try:
                await self._look_at_tokens()
                for seat in [seat for seat in self._seats.values() if seat.due <= _now()]:
                    await self._renew(seat, _BINDINGS_SECONDS)
            except Unavailable as error:
                log.warning("rights_of_streams_wait", reason=error.message)
                await asyncio.sleep(_PAUSE)

    async def _look_at_tokens(self) -> None:
        seats = tuple(self._seats.values())
        worthless = set(map(id, await self._authenticator.worthless(seat.principal for seat in seats)))
        for seat in seats:
            if id(seat.principal) in worthless:
                seat.refuse()

    async def _renew(self, seat: Seat, seconds: float) -> None:
        renewed = await self._authenticator.renew(seat.principal)
        seat.due = _now() + seconds
        if renewed is None:
            seat.refuse()
        else:
            seat.become(renewed)


def _now() -> float:
    return asyncio.get_running_loop().time()
