"""What api does by itself: release, rescue, request again, store logs, take away what was deleted."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any

import structlog

from conda_store_api.domain.policy import LedgerOptions
from conda_store_api.use_cases.create_namespace import ensure_default_namespace
from conda_store_api.use_cases.erase_deleted import erase_deleted
from conda_store_api.use_cases.forget_deliveries import forget_deliveries
from conda_store_api.use_cases.forget_events import forget_events
from conda_store_api.use_cases.forget_solves import forget_solves
from conda_store_api.use_cases.release_builds import release_builds
from conda_store_api.use_cases.request_lists import ListTools, request_lists
from conda_store_api.use_cases.rescue_builds import Tools, request_waiting, rescue_builds
from conda_store_api.use_cases.rescue_discards import rescue_discards
from conda_store_api.use_cases.rescue_tells import rescue_tells
from conda_store_api.use_cases.solve_remotely import RemoteSolveTools
from conda_store_api.use_cases.store_logs import store_logs
from conda_store_api.use_cases.wake import Wake
from conda_store_shared.db.moments import now
from conda_store_shared.domain.settings import Settings
from conda_store_shared.errors import BusUnavailable, DatabaseUnavailable, Unavailable
from conda_store_shared.transaction import Transactions

# Seconds between looks at what is seldom there.
_SELDOM = 600.0
_HOURLY = 3600.0

log = structlog.get_logger()


# What was said before the end of a build may come a little after it, and then its log would be written twice.
_LAST_WORDS_SECONDS = 0.5


class Upkeep:
    """The loops of api that are about no build; any number of replicas may run them."""

    def __init__(self, lists: ListTools, solves: RemoteSolveTools, options: LedgerOptions) -> None:
        self._lists = lists
        self._solves = solves
        self._options = options

    async def request_lists_forever(self) -> None:
        """Ask for lists of channels that are due; the first time, in a process that is alone, for lost ones as well."""
        everything = self._options.alone
        while True:
            if await _survives(partial(request_lists, self._lists, now(), everything=everything)):
                everything = False
            await asyncio.sleep(self._options.rescue_interval)

    async def forget_solves_forever(self) -> None:
        """Forget remote solves whose replica died."""
        while True:
            await _survives(partial(forget_solves, self._solves, now()))
            await asyncio.sleep(_SELDOM)


async def forget_deliveries_forever(transactions: Transactions, days_kept: float) -> None:
    """Forget what was sent to webhooks long ago."""
    while True:
        await _survives(partial(forget_deliveries, transactions, days_kept, now()))
        await asyncio.sleep(_HOURLY)


async def forget_events_forever(transactions: Transactions, days_kept: float | None) -> None:
    """Take old events out of the log, if they are not kept for ever."""
    while True:
        if days_kept is not None:
            await _survives(partial(forget_events, transactions, days_kept, now()))
        await asyncio.sleep(_HOURLY)


async def _survives(step: "partial[Coroutine[Any, Any, int]]") -> bool:
    """Take a step; False when something it stands on is away."""
    survived = False
    try:
        await step()
        survived = True
    except* Unavailable as group:
        log.warning("background_waits", step=step.func.__name__, reason=str(group.exceptions[0]))
    return survived


class Background:
    """The loops of api; any number of replicas may run them, each step being a compare-and-set."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._release = Wake()
        self._rescue = Wake()
        self._logs = Wake()
        self._erase = Wake()
        self._listening = now()

    @property
    def loops(self) -> Sequence[Callable[[], Awaitable[None]]]:
        """Everything that runs until the process stops."""
        return (
            self.release_forever,
            self.rescue_forever,
            self.request_waiting_forever,
            self.store_logs_forever,
            self.erase_forever,
        )

    def wake_release(self) -> None:
        """A build was added, or one ended."""
        self._release.set()
        self._logs.set()

    def wake_erase(self) -> None:
        """Something was deleted, or what was deleted is gone from disk or bucket."""
        self._erase.set()

    async def on_connected(self) -> None:
        """The broker is back: look at once for what it lost."""
        self._listening = now()
        self._rescue.set()

    async def release_forever(self) -> None:
        """Release waiting builds."""
        while True:
            await self._surviving(self._release_once)
            await self._release.wait(self._tools.options.rescue_interval)

    async def rescue_forever(self) -> None:
        """Rescue what was lost; the first time, in a process that is alone, that is everything."""
        everything = self._tools.options.alone

        async def rescue() -> None:
            nonlocal everything
            await rescue_builds(self._tools, now(), everything=everything, listening=self._listening)
            await rescue_discards(self._tools, now(), everything=everything)
            await rescue_tells(self._tools, now(), everything=everything)
            everything = False

        while True:
            await self._surviving(rescue)
            await self._rescue.wait(self._tools.options.rescue_interval)

    async def request_waiting_forever(self) -> None:
        """Request again what has waited its pause out."""
        while True:
            await asyncio.sleep(self._tools.options.tick)
            await self._surviving(self._request_waiting_once)

    async def store_logs_forever(self) -> None:
        """Write the log objects of builds that are over."""
        while True:
            await self._surviving(self._store_logs_once)
            await self._logs.wait(self._tools.options.rescue_interval)
            await asyncio.sleep(_LAST_WORDS_SECONDS)

    async def erase_forever(self) -> None:
        """Take away what was deleted."""
        while True:
            await self._surviving(self._erase_once)
            await self._erase.wait(self._tools.options.rescue_interval)

    async def _release_once(self) -> None:
        await release_builds(self._tools.transactions, self._tools.store, self._tools.options, now())

    async def _request_waiting_once(self) -> None:
        await request_waiting(self._tools, now())

    async def _store_logs_once(self) -> None:
        while await store_logs(self._tools.transactions, self._tools.store, now()):
            pass

    async def _erase_once(self) -> None:
        await erase_deleted(self._tools.transactions, now())

    async def _surviving(self, step: Callable[[], Awaitable[None]]) -> None:
        try:
            await step()
        except* Unavailable as group:
            log.warning("background_waits", step=step.__name__, reason=str(group.exceptions[0]))
            if group.subgroup((BusUnavailable, DatabaseUnavailable)) is not None:
                # What workers said meanwhile is still on its way to the ledger.
                self._listening = now()


async def ensure_namespace(transactions: Transactions, defaults: Settings, pause: float = 5.0) -> None:
    """Make the default namespace, once the database can be reached."""
    while True:
        try:
            async with transactions.begin() as transaction:
                return await ensure_default_namespace(defaults, transaction, now())
        except Unavailable as error:
            log.warning("background_waits", step="ensure_namespace", reason=error.message)
            await asyncio.sleep(pause)
