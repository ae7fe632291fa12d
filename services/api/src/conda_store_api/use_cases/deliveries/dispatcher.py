"""Reads the log of events for all webhooks, and has each be told of what it wants (decision 0032)."""

import asyncio
import time
from datetime import datetime

import structlog

from conda_store_api.domain.webhook import DeliveryKind
from conda_store_api.repositories.deliveries import (
    find_changes,
    list_active_webhooks,
    list_due,
    list_events,
    list_waiting,
    move_position,
)
from conda_store_api.use_cases.deliveries.lane import Delivering, Lane
from conda_store_api.use_cases.deliveries.places import Places, UnderWay
from conda_store_api.use_cases.deliveries.registry import Registry
from conda_store_api.use_cases.deliveries.tools import DeliveryTools
from conda_store_api.use_cases.wake import Wake
from conda_store_shared.db.moments import now
from conda_store_shared.db.turns import Turn
from conda_store_shared.errors import Unavailable
from conda_store_shared.telemetry import webhooks as figures

_BATCH = 500
# What is under way when the process is to stop would be sent again by the next one.
_LAST_SECONDS = 5.0
# Clocks of replicas differ, and by them a change may seem older than it is: at times all is read again.
_ALL_SECONDS = 30.0

log = structlog.get_logger()


class Dispatcher:
    """Delivers to all webhooks while it is this process's turn."""

    def __init__(self, tools: DeliveryTools, turn: Turn) -> None:
        self._tools = tools
        self._turn = turn
        self._wake = Wake()
        self._under_way = UnderWay()
        self._are_more = self._asked = False

    def wake_events(self) -> None:
        """Something was added to the log of events."""
        self._are_more = True
        self._wake.set()

    def wake_webhooks(self) -> None:
        """A webhook was changed, or somebody wants something sent."""
        self._asked = True
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        await self._turn.run(self._deliver)

    async def interrupt(self) -> None:
        """Begin no other request, and give those that are under way a few seconds to be answered."""
        await self._under_way.end(_LAST_SECONDS)

    async def _deliver(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                shared = Delivering(
                    tools=self._tools,
                    turn=self._turn,
                    registry=Registry(self._tools.options.kept),
                    places=Places(self._tools.options),
                    under_way=self._under_way,
                )
                round_ = _Round(shared, group)
                while True:
                    are_more, asked, self._are_more, self._asked = self._are_more, self._asked, False, False
                    await round_.go(are_more=are_more, asked=asked)
                    await self._wake.wait(self._tools.options.look)
        finally:
            figures.failing(0)


class _Round:
    """What is known during a turn."""

    def __init__(self, shared: Delivering, group: asyncio.TaskGroup) -> None:
        self._tools = shared.tools
        self._group = group
        self._registry = shared.registry
        self._shared = shared
        self._lanes: dict[tuple[int, DeliveryKind], Lane] = {}
        self._changes: tuple[int, datetime | None] = 0, None
        self._looked = self._read_all = self._noted = 0.0

    async def go(self, *, are_more: bool, asked: bool) -> None:
        """Look for what is to be done, and have it done."""
        moment = time.monotonic()
        try:
            if asked or self._registry.is_stale or moment - self._looked >= self._tools.options.look:
                self._looked = moment
                are_more |= await self._look(asked=asked)
            if self._registry and are_more:
                await self._read_log()
        except Unavailable as error:
            self._registry.is_stale = True
            log.warning("webhooks_wait", reason=error.message)

    async def _look(self, *, asked: bool) -> bool:
        """Look at the rows, what changed and what is due; return whether the log has more events."""
        async with self._tools.transactions.database.reader() as reader:
            found = await find_changes(reader)
            due = await list_due(reader, now()) if found.count else ()
        figures.failing(found.failing)
        changes = found.count, found.changed_on
        if asked or changes != self._changes or self._looked - self._read_all >= _ALL_SECONDS:
            self._registry.is_stale = True
        if self._registry.is_stale:
            await self._read_webhooks(found.newest_event)
            self._changes, self._read_all = changes, self._looked
        for key in due:
            self._start(*key)
        return found.newest_event > self._registry.cursor

    async def _read_webhooks(self, newest: int) -> None:
        async with self._tools.transactions.database.session() as session:
            webhooks = await list_active_webhooks(session)
            self._registry.replace(webhooks, await list_waiting(session), newest)
        for endpoint in self._registry:
            if endpoint.is_behind:
                self._start(endpoint.webhook.id, DeliveryKind.EVENT)

    async def _read_log(self) -> None:
        """Offer what the log has more of to all webhooks."""
        count = _BATCH
        while count == _BATCH:
            async with self._tools.transactions.database.session() as session:
                events = await list_events(session, self._registry.cursor, _BATCH)
            count = len(events)
            for event in events:
                for endpoint in self._registry.offer(event):
                    # It comes to this one by itself when the one before it is over.
                    if not endpoint.is_waiting:
                        self._start(endpoint.webhook.id, DeliveryKind.EVENT)
            await self._note_strides()

    async def _note_strides(self) -> None:
        """Have the rows follow of webhooks that wanted nothing for long: after a restart they begin from there."""
        stride, cursor = self._tools.options.stride, self._registry.cursor
        if cursor - self._noted < stride:
            return
        self._noted = cursor
        if behind := self._registry.strode(stride):
            async with self._tools.transactions.begin() as transaction:
                moved = [
                    await move_position(transaction.session, each.webhook.id, each.position, cursor) for each in behind
                ]
            for endpoint, is_moved in zip(behind, moved, strict=True):
                if is_moved:
                    endpoint.position = cursor
                else:
                    self._registry.drop(endpoint)

    def _start(self, webhook_id: int, kind: DeliveryKind) -> None:
        key = (webhook_id, kind)
        if key in self._lanes:
            self._lanes[key].wake()
        else:
            self._lanes[key] = Lane(self._shared, webhook_id, kind)
            self._group.create_task(self._run(key), name=f"webhook {webhook_id} {kind}")

    async def _run(self, key: tuple[int, DeliveryKind]) -> None:
        await self._lanes[key].run()
        del self._lanes[key]
