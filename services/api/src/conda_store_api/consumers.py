"""Which message leads to which use case."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import structlog

from conda_store_api.domain.policy import BuildPolicy, LedgerOptions
from conda_store_api.ports import Hooks, NoHooks
from conda_store_api.use_cases.ledger.artifact_stored import artifact_stored
from conda_store_api.use_cases.ledger.discarded import artifact_discarded, link_discarded, prefix_discarded
from conda_store_api.use_cases.ledger.environment_linked import environment_linked
from conda_store_api.use_cases.ledger.lockfile_solved import lockfile_solved
from conda_store_api.use_cases.ledger.log_written import log_written
from conda_store_api.use_cases.ledger.prefix_built import prefix_built, read_record
from conda_store_api.use_cases.ledger.request_lost import request_lost
from conda_store_api.use_cases.ledger.stage_failed import RetryPolicy, stage_failed
from conda_store_api.use_cases.ledger.stage_interrupted import stage_interrupted
from conda_store_api.use_cases.ledger.stage_progress import stage_progress
from conda_store_api.use_cases.ledger.stage_started import stage_started
from conda_store_api.use_cases.ledger.storage_measured import storage_measured
from conda_store_api.use_cases.register_found_specification import FoundTools, register_found_specification
from conda_store_api.use_cases.request_image import ImageTools, request_image
from conda_store_api.use_cases.solve_answered import lost_answer, solve_answered
from conda_store_api.use_cases.solve_remotely import AwaitedSolves
from conda_store_api.use_cases.take_over_list import TakeOverTools, take_over_list
from conda_store_api.use_cases.tell_update import tell_update
from conda_store_shared.bus.port import Handler, Subscription
from conda_store_shared.contracts import events
from conda_store_shared.contracts.envelope import Envelope
from conda_store_shared.contracts.topology import API, ARTIFACTS, BUILDER, SOLVER, dead_queue_name, queue_name
from conda_store_shared.db.moments import now
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.transaction import Transaction, Transactions

# Facts are short database work: this many of a kind are handled at once.
_CONCURRENCY = 4
# Frequent, and never the end of a build or of its last stage.
_PASSING = (
    events.StageStarted,
    events.StageProgress,
    events.StageInterrupted,
    events.LogWritten,
    events.LockfileSolved,
    events.EnvironmentLinked,
    events.StorageMeasured,
)
_DISCARDED = (events.PrefixDiscarded, events.ArtifactDiscarded, events.LinkDiscarded)
_REQUESTS = (
    (SOLVER, events.SolveRequested),
    (BUILDER, events.PrefixRequested),
    (ARTIFACTS, events.ArtifactRequested),
)
Wakes = Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What the handlers need.

    Watched files are built by ``policy``.  ``ended`` wakes whatever waits for a build to end, ``discarded`` what waits
    for something to be gone, ``awaited`` whoever waits for a solve.
    """

    transactions: Transactions
    store: ObjectStore
    retry: RetryPolicy
    options: LedgerOptions
    policy: BuildPolicy
    ended: Wakes
    discarded: Wakes
    awaited: AwaitedSolves = field(default_factory=AwaitedSolves)
    hooks: Hooks = field(default_factory=NoHooks)


def subscriptions(tools: Tools) -> list[Subscription]:
    """Return the subscriptions of this service."""
    retry = tools.retry

    async def on_failure(event: events.StageFailed, transaction: Transaction) -> None:
        await stage_failed(event, transaction, now(), retry)

    async def on_prefix(envelope: Envelope) -> None:
        event = envelope.event
        assert isinstance(event, events.PrefixBuilt)  # noqa: S101 - the queue carries nothing else
        record = await read_record(tools.store, event.build_key)
        async with tools.transactions.begin() as transaction:
            await prefix_built(event, record, transaction, now())
        tools.ended()

    table: list[tuple[type[events.Event], Handler]] = [
        (events.StageStarted, _in_transaction(tools, _at_now(stage_started))),
        (events.StageProgress, _in_transaction(tools, _at_now(stage_progress))),
        (events.StageInterrupted, _in_transaction(tools, _at_now(stage_interrupted))),
        (events.StageFailed, _in_transaction(tools, on_failure)),
        (events.LogWritten, _in_transaction(tools, log_written)),
        (events.LockfileSolved, _in_transaction(tools, _at_now(lockfile_solved))),
        (events.PrefixBuilt, on_prefix),
        (events.ArtifactStored, _in_transaction(tools, _at_now(artifact_stored))),
        (events.EnvironmentLinked, _in_transaction(tools, _at_now(environment_linked))),
        (events.PrefixDiscarded, _in_transaction(tools, prefix_discarded)),
        (events.ArtifactDiscarded, _in_transaction(tools, artifact_discarded)),
        (events.LinkDiscarded, _in_transaction(tools, link_discarded)),
        (events.StorageMeasured, _in_transaction(tools, _at_now(storage_measured))),
    ]
    facts = [
        Subscription(queue=queue_name(API, event), handler=handler, concurrency=_CONCURRENCY)
        for event, handler in table
    ]
    lost = _on_request_lost(tools)
    dead = [
        Subscription(queue=dead_queue_name(queue_name(service, event)), handler=lost) for service, event in _REQUESTS
    ]
    return [*facts, *dead, *_of_no_build(tools), _of_updates(tools)]


def _of_no_build(tools: Tools) -> list[Subscription]:
    """The subscriptions to what is said of channels, of solves and images that somebody waits for, and of files."""
    found = FoundTools(
        transactions=tools.transactions, store=tools.store, policy=tools.policy, hooks=tools.hooks
    )

    images = ImageTools(
        transactions=tools.transactions, store=tools.store, policy=tools.policy, hooks=tools.hooks
    )

    async def on_channel_indexed(envelope: Envelope) -> None:
        event = envelope.event
        assert isinstance(event, events.ChannelIndexed)  # noqa: S101 - the queue carries nothing else
        await take_over_list(event, TakeOverTools(transactions=tools.transactions, store=tools.store), now())

    async def on_image_requested(envelope: Envelope) -> None:
        event = envelope.event
        assert isinstance(event, events.ImageRequested)  # noqa: S101 - the queue carries nothing else
        if await request_image(event, images, now()):
            tools.ended()

    async def on_solve_answered(envelope: Envelope) -> None:
        event = envelope.event
        assert isinstance(event, events.SolveAnswered)  # noqa: S101 - the queue carries nothing else
        await _tell(tools, event)

    async def on_specification_found(envelope: Envelope) -> None:
        event = envelope.event
        assert isinstance(event, events.SpecificationFound)  # noqa: S101 - the queue carries nothing else
        if await register_found_specification(event, found, now()):
            tools.ended()

    return [
        Subscription(queue=queue_name(API, events.ChannelIndexed), handler=on_channel_indexed),
        Subscription(queue=queue_name(API, events.SpecificationFound), handler=on_specification_found),
        Subscription(queue=queue_name(API, events.ImageRequested), handler=on_image_requested),
        Subscription(queue=queue_name(API, events.SolveAnswered), handler=on_solve_answered, concurrency=_CONCURRENCY),
    ]


def _of_updates(tools: Tools) -> Subscription:
    """The subscription to what the hook of the deployment is told of, one change at a time in each process."""

    async def on_update(envelope: Envelope) -> None:
        event = envelope.event
        assert isinstance(event, events.EnvironmentUpdated)  # noqa: S101 - the queue carries nothing else
        await tell_update(event, tools.hooks, tools.transactions)

    return Subscription(queue=queue_name(API, events.EnvironmentUpdated), handler=on_update)


async def _tell(tools: Tools, answered: events.SolveAnswered) -> None:
    async with tools.transactions.begin() as transaction:
        await solve_answered(answered, transaction, now())
    tools.awaited.hear(answered.solve_id)


def _on_request_lost(tools: Tools) -> Handler:
    of_build = _in_transaction(tools, _at_now(request_lost))

    async def handle(envelope: Envelope) -> None:
        event = envelope.event
        if isinstance(event, events.SolveRequested) and event.solve_id:
            await _tell(tools, lost_answer(event))
        else:
            await of_build(envelope)

    return handle


def _at_now(use_case: Callable[[Any, Transaction, Any], Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def handle(event: Any, transaction: Transaction) -> None:
        await use_case(event, transaction, now())

    return handle


def _in_transaction(tools: Tools, use_case: Callable[[Any, Transaction], Awaitable[None]]) -> Handler:
    async def handle(envelope: Envelope) -> None:
        with structlog.contextvars.bound_contextvars(
            correlation_id=envelope.correlation_id, traceparent=envelope.traceparent
        ):
            async with tools.transactions.begin() as transaction:
                await use_case(envelope.event, transaction)
        if isinstance(envelope.event, _DISCARDED):
            tools.discarded()
        elif not isinstance(envelope.event, _PASSING):
            tools.ended()

    return handle
