"""Requests again what is silent or lost, and what has waited its pause out (design §3.6 to §3.8)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from conda_store_api.domain.policy import LedgerOptions
from conda_store_api.repositories.builds import LockedBuild, lock_build
from conda_store_api.repositories.environments import list_unlinked
from conda_store_api.repositories.stages import (
    REQUESTED,
    RUNNING,
    WAITING,
    find_stage,
    is_given_up,
    list_open,
)
from conda_store_api.use_cases.ledger.end_stage import end_stage, worker_lost
from conda_store_api.use_cases.ledger.requests import request_for, request_stage
from conda_store_api.use_cases.release_builds import put_order
from conda_store_api.use_cases.request_link import request_link
from conda_store_shared.bus.port import Bus
from conda_store_shared.contracts.topology import ROUTES, queue_name
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


async def rescue_builds(tools: Tools, now: datetime, *, everything: bool = False) -> int:
    """Request again what was lost; return how many requests.

    With ``everything`` all open stages are lost, because their workers died with us.

    Raises BusUnavailable, DatabaseUnavailable, StorageUnavailable: the next round tries again.
    """
    async with tools.transactions.database.session() as session:
        stages = await list_open(session)
    empty: dict[str, bool] = {}
    again = 0
    for stage, build in stages:
        if everything or await _is_due(tools, stage, build, now, empty):
            await put_order(tools.store, build)
            async with tools.transactions.begin() as transaction:
                again += await _request_again(transaction, stage, now, everything=everything)
    return again + await _request_links(tools, now)


async def request_waiting(tools: Tools, now: datetime) -> int:
    """Request stages whose pause is over; return how many."""
    async with tools.transactions.database.session() as session:
        stages = await list_open(session)
    again = 0
    for stage, build in stages:
        if stage.state == WAITING and stage.not_before is not None and stage.not_before <= now:
            await put_order(tools.store, build)
            async with tools.transactions.begin() as transaction:
                again += await _request_again(transaction, stage, now, everything=False)
    return again


async def _is_due(tools: Tools, stage: BuildStage, build: Build, now: datetime, empty: dict[str, bool]) -> bool:
    if stage.state == RUNNING:
        return stage.heard_on is None or stage.heard_on < now - timedelta(seconds=tools.options.silence)
    if stage.state == REQUESTED:
        requested = stage.requested_on or datetime.min
        if requested > now - timedelta(seconds=tools.options.unheard):
            return False
        queue = _queue_of(build, stage.stage)
        if queue not in empty:
            empty[queue] = await tools.bus.depth(queue) == 0
        return empty[queue]
    return False


def _queue_of(build: Build, stage: str) -> str:
    event = type(request_for(build, stage))
    consumer = next(route.consumers[0] for route in ROUTES if route.event is event)
    return queue_name(consumer, event)


async def _request_again(transaction: Transaction, seen: BuildStage, now: datetime, *, everything: bool) -> int:
    session = transaction.session
    locked = await lock_build(session, seen.build_id)
    stage = await find_stage(session, seen.build_id, seen.stage)
    if locked is None or stage is None or (stage.state, stage.heard_on) != (seen.state, seen.heard_on):
        return 0
    if stage.state == RUNNING and not everything and await is_given_up(
        session, stage.build_id, stage.stage, with_newest=True
    ):
        await end_stage(transaction, locked, stage.stage, worker_lost(stage.stage, stage.code), now)
        return 0
    if stage.state == WAITING and _is_late(locked, now):
        failure = StageFailure(stage.code or "", stage.detail or "", transient=True)
        await end_stage(transaction, locked, stage.stage, failure, now)
        return 0
    log.info("stage_requested_again", build_id=stage.build_id, stage=stage.stage, was=stage.state)
    await request_stage(transaction, locked.build, stage.stage, now)
    return 1


def _is_late(locked: LockedBuild, now: datetime) -> bool:
    return locked.build.deadline is not None and now > locked.build.deadline


async def _request_links(tools: Tools, now: datetime) -> int:
    before = now - timedelta(seconds=tools.options.unheard)
    async with tools.transactions.database.session() as session:
        unlinked = await list_unlinked(session, before)
    for environment, namespace, build in unlinked:
        async with tools.transactions.begin() as transaction:
            path = Order.from_value(build.order or {}).prefix.path
            locked = LockedBuild(build=build, namespace=namespace.name, environment=environment.name)
            request_link(transaction, locked, path, environment.generation)
    return len(unlinked)
