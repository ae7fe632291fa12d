"""A lane: deliveries of one kind to one webhook, one after the other, until nothing is left to do."""

import asyncio
from dataclasses import dataclass

import structlog

from conda_store_api.domain.webhook import DeliveryKind, DeliveryState, WebhookState
from conda_store_api.repositories.deliveries import WaitingDelivery, add_delivery, find_waiting, finish_delivery
from conda_store_api.use_cases.deliveries.attempt import Attempt, attempt_delivery, record_attempt
from conda_store_api.use_cases.deliveries.endpoint import Endpoint
from conda_store_api.use_cases.deliveries.owner import may_tell
from conda_store_api.use_cases.deliveries.places import Places, UnderWay
from conda_store_api.use_cases.deliveries.registry import Registry
from conda_store_api.use_cases.deliveries.tools import DeliveryTools
from conda_store_api.use_cases.wake import Wake
from conda_store_shared.db.models import PublicEvent
from conda_store_shared.db.moments import now
from conda_store_shared.db.turns import Turn
from conda_store_shared.errors import Unavailable

# Seconds until something that stands on the database is tried again.
_PAUSE = 1.0
# Seconds until a fault of ours, or a row that nobody can read, is met again.
_CRASH_PAUSE = 60.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivering:
    """What the lanes of a turn share."""

    tools: DeliveryTools
    turn: Turn
    registry: Registry
    places: Places
    under_way: UnderWay


class Lane:
    """Makes deliveries as long as there are any; the oldest that waits holds up those after it."""

    def __init__(self, shared: Delivering, webhook_id: int, kind: DeliveryKind) -> None:
        self._shared = shared
        self._webhook_id = webhook_id
        self._kind = kind
        self._wake = Wake()
        self._again = False

    def wake(self) -> None:
        """Look again: something was added, or is due."""
        self._again = True
        self._wake.set()

    async def run(self) -> None:
        """Return when there is nothing to do."""
        pause: float | None = 0.0
        while pause is not None or self._again:
            self._again = False
            pause = await self._survive()
            if pause and not self._again:
                await self._wake.wait(pause)

    async def _survive(self) -> float | None:
        try:
            return await self._step()
        except Unavailable as error:
            log.warning("webhook_waits", webhook_id=self._webhook_id, reason=error.message)
            return _PAUSE
        except Exception:
            # Whatever it is about one webhook, the others are told.
            log.exception("webhook_crashed", webhook_id=self._webhook_id, kind=self._kind)
            return _CRASH_PAUSE

    async def _step(self) -> float | None:
        """Do the next thing; return the seconds to wait after it, None when there is nothing to do."""
        endpoint, waiting = self._shared.registry.find(self._webhook_id), None
        if self._kind == DeliveryKind.EVENT:
            if endpoint is None:
                return None
            if not endpoint.is_waiting:
                is_more, waiting = await self._choose(endpoint)
                if waiting is None:
                    return 0.0 if is_more else None
        waiting = waiting or await self._find()
        if waiting is None:
            return self._nothing_waits(endpoint)
        place = self._shared.places.of(waiting.webhook)
        had_to_wait = place.locked()
        async with place:
            if had_to_wait:
                # It may have been skipped meanwhile, or be sent elsewhere.
                waiting = await self._find()
            return self._nothing_waits(endpoint) if waiting is None else await self._make(waiting, endpoint)

    def _nothing_waits(self, endpoint: Endpoint | None) -> float | None:
        if self._kind != DeliveryKind.EVENT or endpoint is None:
            return None
        endpoint.is_waiting = False
        return 0.0

    async def _find(self) -> WaitingDelivery | None:
        async with self._shared.places.database, self._shared.tools.transactions.database.session() as session:
            return await find_waiting(session, self._webhook_id, self._kind, now())

    async def _choose(self, endpoint: Endpoint) -> tuple[bool, WaitingDelivery | None]:
        """Make the next event that the owner may know of one that waits; tell whether there is more to do, too."""
        registry = self._shared.registry
        try:
            event = await self._next_event(endpoint)
            if event is None:
                return False, None
            if not await may_tell(endpoint.webhook, event, self._shared.tools.authenticator):
                return True, None
            async with self._shared.places.database, self._shared.tools.transactions.begin() as transaction:
                place = self._webhook_id, endpoint.position
                moved, waiting = await add_delivery(transaction.session, place, event, now())
        except Unavailable:
            # Nobody knows how far the row is.
            registry.drop(endpoint)
            raise
        if not moved:
            registry.drop(endpoint)
        endpoint.position, endpoint.is_waiting = event.id, waiting is not None
        return True, waiting

    async def _next_event(self, endpoint: Endpoint) -> PublicEvent | None:
        event = endpoint.take()
        if event is None and endpoint.is_behind:
            registry, database = self._shared.registry, self._shared.tools.transactions.database
            async with self._shared.places.database, database.session() as session:
                await endpoint.catch_up(session, lambda: registry.cursor)
            event = endpoint.take()
        return event

    async def _make(self, waiting: WaitingDelivery, endpoint: Endpoint | None) -> float | None:
        """Make a delivery unless it is not due, or not to be made."""
        delivery, moment = waiting.delivery, now()
        if self._kind != DeliveryKind.PING and waiting.webhook.state != WebhookState.ACTIVE:
            return None
        if delivery.not_before is not None and delivery.not_before > moment:
            return (delivery.not_before - moment).total_seconds()
        if not await self._is_wanted(waiting):
            return 0.0
        if not self._shared.turn.is_held or self._shared.under_way.is_ending:
            return _PAUSE
        with self._shared.under_way.one():
            attempt = await attempt_delivery(self._shared.tools, waiting, moment)
            pause = await self._record(attempt)
        if pause is None and endpoint is not None and self._kind == DeliveryKind.EVENT:
            endpoint.is_waiting = False
        return pause or 0.0

    async def _is_wanted(self, waiting: WaitingDelivery) -> bool:
        """Whether a delivery is still to be made; one that is not is over."""
        if self._kind == DeliveryKind.PING:
            return True
        tools, state = self._shared.tools, DeliveryState.SKIPPED
        if waiting.event is None:
            state = DeliveryState.FAILED
        elif await may_tell(waiting.webhook, waiting.event, tools.authenticator):
            return True
        async with self._shared.places.database, tools.transactions.begin() as transaction:
            await finish_delivery(transaction.session, waiting.delivery.id, state, now())
        return False

    async def _record(self, attempt: Attempt) -> float | None:
        """Note what came of an attempt; what was sent is not sent again because the database is away for a moment."""
        while True:
            try:
                async with self._shared.places.database:
                    return await record_attempt(self._shared.tools, attempt, now())
            except Unavailable as error:
                log.warning("webhook_record_waits", webhook_id=self._webhook_id, reason=error.message)
                await asyncio.sleep(_PAUSE)
