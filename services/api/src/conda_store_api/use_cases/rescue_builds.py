"""Requests again what is silent or lost, and what has waited its pause out (design §3.6 to §3.8)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from conda_store_api.domain.policy import LedgerOptions
from conda_store_api.repositories.attempts import forgive_attempts, list_attempts
from conda_store_api.repositories.builds import LockedBuild, lock_build
from conda_store_api.repositories.environments import list_unlinked
from conda_store_api.repositories.stages import REQUESTED, RUNNING, WAITING, list_open, list_waited
from conda_store_api.use_cases.ledger.end_stage import end_stage, worker_lost
from conda_store_api.use_cases.ledger.requests import request_for, request_stage
from conda_store_api.use_cases.release_builds import put_order
from conda_store_api.use_cases.request_link import request_link
from conda_store_shared.bus.port import Bus, has_nothing_waiting
from conda_store_shared.contracts.events import LinkRequested
from conda_store_shared.contracts.topology import BUILDER, ROUTES, queue_name
from conda_store_shared.db.models import Build, BuildStage
from conda_store_shared.domain.order import Order
from conda_store_shared.errors import StageFailure
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.transaction import Transaction, Transactions

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What rescuing needs."""

    transactions: Transactions
    store: ObjectStore
    bus: Bus
    options: LedgerOptions


async def rescue_builds(
    tools: Tools, now: datetime, *, everything: bool = False, listening: datetime | None = None
) -> int:
    """Request again what was lost; return how many requests.

    With ``everything`` all open stages are lost, because their workers died with us.  Nothing counts as silent that
    could not have been heard: ``listening`` is since when the ledger hears what workers say.

    Raises BusUnavailable, DatabaseUnavailable, StorageUnavailable: the next round tries again.
    """
    async with tools.transactions.database.session() as session:
        stages = await list_open(session)
    search = _Search(tools, now, listening or datetime.min)
    again = 0
    for stage, build in stages:
        if everything or await search.is_lost(stage, build):
            again += await _request_again(tools, stage, now, everything=everything)
    return again + await _request_links(tools, now)


async def request_waiting(tools: Tools, now: datetime) -> int:
    """Request stages whose pause is over; return how many."""
    async with tools.transactions.database.session() as session:
        stages = await list_waited(session, now)
    again = 0
    for stage in stages:
        again += await _request_again(tools, stage, now, everything=False)
    return again


class _Search:
    """Looks for lost work; each queue is asked for its depth once."""

    def __init__(self, tools: Tools, now: datetime, listening: datetime) -> None:
        self._tools = tools
        self._now = now
        self._listening = listening
        self._empty: dict[str, bool] = {}

    async def is_lost(self, stage: BuildStage, build: Build) -> bool:
        """Whether the stage is to be requested again."""
        if stage.state == RUNNING:
            heard = max(stage.heard_on or datetime.min, self._listening)
            return heard < self._now - timedelta(seconds=self._tools.options.silence)
        if stage.state == REQUESTED:
            requested = stage.requested_on or datetime.min
            unheard = requested <= self._now - timedelta(seconds=self._tools.options.unheard)
            return unheard and await self._is_empty(_queue_of(build, stage.stage))
        return False

    async def _is_empty(self, queue: str) -> bool:
        if queue not in self._empty:
            self._empty[queue] = await has_nothing_waiting(self._tools.bus, queue)
        return self._empty[queue]


def _queue_of(build: Build, stage: str) -> str:
    event = type(request_for(build, stage))
    consumer = next(route.consumers[0] for route in ROUTES if route.event is event)
    return queue_name(consumer, event)


async def _request_again(tools: Tools, seen: BuildStage, now: datetime, *, everything: bool) -> int:
    async with tools.transactions.begin() as transaction:
        locked = await _change(transaction, seen, now, everything=everything)
        if locked is None:
            return 0
        # While the build is held: put after its deletion, the order would stay for ever.
        await put_order(tools.store, locked.build)
        return 1


async def _change(
    transaction: Transaction, seen: BuildStage, now: datetime, *, everything: bool
) -> LockedBuild | None:
    """End the stage, or request it again and return the build, which is held, and whose order is to be put."""
    session = transaction.session
    locked = await lock_build(session, seen.build_id)
    stage, attempts = await list_attempts(session, seen.build_id, seen.stage)
    if locked is None or stage is None or _sight_of(stage) != _sight_of(seen):
        return None
    if everything:
        await forgive_attempts(session, stage.build_id, stage.stage)
    elif stage.state == RUNNING and attempts.is_given_up(with_newest=True):
        await end_stage(transaction, locked, stage.stage, worker_lost(stage.stage, stage.code), now)
        return None
    if stage.state == WAITING and _is_late(locked, now):
        failure = StageFailure(stage.code or "", stage.detail or "", transient=True)
        await end_stage(transaction, locked, stage.stage, failure, now)
        return None
    log.info("stage_requested_again", build_id=stage.build_id, stage=stage.stage, was=stage.state)
    await request_stage(transaction, locked.build, stage.stage, now)
    return locked


def _sight_of(stage: BuildStage) -> tuple[str, datetime | None, datetime | None]:
    return stage.state, stage.heard_on, stage.requested_on


def _is_late(locked: LockedBuild, now: datetime) -> bool:
    return locked.build.deadline is not None and now > locked.build.deadline


async def _request_links(tools: Tools, now: datetime) -> int:
    before = now - timedelta(seconds=tools.options.unheard)
    async with tools.transactions.database.session() as session:
        unlinked = await list_unlinked(session, before)
    if unlinked and not await has_nothing_waiting(tools.bus, queue_name(BUILDER, LinkRequested)):
        return 0
    for environment, namespace, build in unlinked:
        async with tools.transactions.begin() as transaction:
            path = Order.from_value(build.order or {}).prefix.path
            locked = LockedBuild(build=build, namespace=namespace.name, environment=environment.name)
            await request_link(transaction, locked, path, environment.generation, now)
    return len(unlinked)
