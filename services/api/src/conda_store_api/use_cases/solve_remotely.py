"""Solves a specification for somebody who waits; nothing is built (contract §1.4)."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

import structlog

from conda_store_api.domain.policy import BuildPolicy
from conda_store_api.ports import Hooks, NoHooks
from conda_store_api.repositories.packages import NamedPackageBuild, ensure_package_builds, list_package_builds
from conda_store_api.repositories.settings import effective_settings
from conda_store_api.repositories.solves import add_solve, find_answer, remove_solve
from conda_store_api.use_cases.apply_settings import complete_specification
from conda_store_api.use_cases.refuse_credentials import refuse_credentials_of
from conda_store_api.use_cases.resolve_order import allowed_channels, locked_platforms, presumed, resolve_channels
from conda_store_shared.bus.port import Bus
from conda_store_shared.child.uninterrupted import uninterrupted
from conda_store_shared.conda.match_spec import check_dependencies
from conda_store_shared.contracts.events import SolveAnswered, SolveCanceled, SolveRequested
from conda_store_shared.contracts.topology import SOLVER, queue_name
from conda_store_shared.domain.canonical import sha256_hex
from conda_store_shared.domain.order import SolveOrder
from conda_store_shared.domain.permission import Permission
from conda_store_shared.domain.solved_packages import read_packages
from conda_store_shared.domain.specification import Specification
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.domain.storage_keys import solve_answer_key, solve_order_key
from conda_store_shared.errors import NoSolution, NotFound, QueueMissing, TookTooLong, Unavailable
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.transaction import Transactions

# What hooks are told of as the namespace.
_NAMESPACE = "solve"
# The channel of notices that a remote solve is over.
NOTICES = "conda_store_solve"
# A solver that restarts is away for a moment.
_LOOKS = 3
# Failures that are nobody's input's fault.
_OURS = frozenset({FailureCode.WORKER_LOST, FailureCode.STORAGE_UNAVAILABLE, FailureCode.INTERNAL_ERROR})
_NO_SOLVER = "no solver is running; please try again"
_LARGEST_ANSWER = 64 * 1024 * 1024

log = structlog.get_logger()


class AwaitedSolves:
    """The remote solves that somebody waits for in this process."""

    def __init__(self) -> None:
        self._events: dict[str, asyncio.Event] = {}

    def hear(self, solve_id: str) -> None:
        """A solve is over; wakes whoever waits for it here."""
        if event := self._events.get(solve_id):
            event.set()

    @contextmanager
    def waiting_for(self, solve_id: str) -> Iterator[asyncio.Event]:
        """The event that is set when the solve is over."""
        event = self._events[solve_id] = asyncio.Event()
        try:
            yield event
        finally:
            del self._events[solve_id]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteSolveTools:
    """What the use case works with; every ``look`` seconds it looks for an answer that was not heard of."""

    transactions: Transactions
    store: ObjectStore
    bus: Bus
    policy: BuildPolicy
    hooks: Hooks = field(default_factory=NoHooks)
    awaited: AwaitedSolves = field(default_factory=AwaitedSolves)
    # A notice may be lost; and a solver may be gone.
    look: float = 2.0


async def solve_remotely(
    specification: Specification, tools: RemoteSolveTools, now: datetime
) -> Sequence[NamedPackageBuild]:
    """Return the conda packages for all platforms; whoever is cancelled meanwhile stops the work.

    Raises InvalidSpecification, ChannelNotAllowed and RequiredPackagesMissing as for a build, NoSolution with the
    solver's explanation, TookTooLong, HookRefused, HookFailed, and Unavailable when no solver runs.
    """
    order = await _make_order(specification, tools)
    if not await _is_solver_there(tools):
        raise Unavailable(_NO_SOLVER)
    solve_id = uuid4().hex
    await tools.store.put(solve_order_key(solve_id), order.to_bytes(), "application/json")
    answer: SolveAnswered | None = None
    try:
        with tools.awaited.waiting_for(solve_id) as over:
            async with tools.transactions.begin() as transaction:
                await add_solve(transaction.session, solve_id, now)
                request = SolveRequested(
                    build_id=0, build_key="", order_digest=sha256_hex(order.to_bytes()), solve_id=solve_id
                )
                transaction.publish(request)
            answer = await _wait_for_answer(solve_id, over, order.deadline, tools)
        return await _read_answer(answer, tools)
    finally:
        await uninterrupted(_forget(solve_id, tools, cancel=answer is None))


async def forget_solve(solve_id: str, tools: RemoteSolveTools, *, cancel: bool) -> None:
    """Leave nothing of a remote solve; with ``cancel`` it may still be at work, or wait to be begun."""
    # A solver that has not begun finds no order, and knows that nobody waits.
    await tools.store.delete(solve_order_key(solve_id))
    async with tools.transactions.begin() as transaction:
        await remove_solve(transaction.session, solve_id)
        if cancel:
            transaction.publish(SolveCanceled(solve_id=solve_id))
    await tools.store.delete(solve_answer_key(solve_id))


async def _make_order(specification: Specification, tools: RemoteSolveTools) -> SolveOrder:
    refuse_credentials_of(specification)
    check_dependencies(specification)
    await tools.hooks.validate_action(_NAMESPACE, Permission.ENVIRONMENT_SOLVE)
    specification = await tools.hooks.validate_specification(_NAMESPACE, specification)
    async with tools.transactions.database.session() as session:
        settings = await effective_settings(session, tools.policy.settings)
    if tools.policy.completes_specifications:
        specification = complete_specification(specification, settings)
    refuse_credentials_of(specification)
    platforms = locked_platforms(specification, settings)
    return SolveOrder(
        specification=specification.to_value(),
        channels=resolve_channels(specification, settings),
        allowed_channels=allowed_channels(settings),
        platforms=platforms,
        virtual_packages=presumed(specification, platforms),
        channel_priority=tools.policy.channel_priority.value,
        deadline=tools.policy.under(settings).solve_deadline,
    )


async def _forget(solve_id: str, tools: RemoteSolveTools, *, cancel: bool) -> None:
    try:
        await forget_solve(solve_id, tools, cancel=cancel)
    except Unavailable as error:
        log.warning("solve_not_forgotten", solve_id=solve_id, reason=error.message)


async def _is_solver_there(tools: RemoteSolveTools) -> bool:
    try:
        return await tools.bus.consumers(queue_name(SOLVER, SolveRequested)) > 0
    except QueueMissing:
        return False


async def _wait_for_answer(
    solve_id: str, over: asyncio.Event, seconds: float, tools: RemoteSolveTools
) -> SolveAnswered:
    try:
        async with asyncio.timeout(seconds):
            absent = 0
            while absent < _LOOKS:
                await _wait(over, tools.look)
                over.clear()
                async with tools.transactions.database.session() as session:
                    answer = await find_answer(session, solve_id)
                if answer is not None:
                    return answer
                absent = 0 if await _is_solver_there(tools) else absent + 1
    except TimeoutError as error:
        raise _too_long(seconds) from error
    raise Unavailable(_NO_SOLVER)


async def _read_answer(answer: SolveAnswered, tools: RemoteSolveTools) -> Sequence[NamedPackageBuild]:
    _raise_failure(answer)
    try:
        content = await tools.store.get(solve_answer_key(answer.solve_id), _LARGEST_ANSWER)
    except NotFound as error:
        raise Unavailable("the answer of the solver was lost; please try again") from error
    async with tools.transactions.begin() as transaction:
        ids = await ensure_package_builds(transaction.session, read_packages(content))
        return await list_package_builds(transaction.session, ids)


def _raise_failure(answer: SolveAnswered) -> None:
    if answer.answer_digest:
        return
    if answer.code == FailureCode.TIMEOUT:
        raise TookTooLong(f"no solution was found in time: {answer.detail}")
    if answer.code in _OURS:
        raise Unavailable(answer.detail)
    # A channel that does not answer as well: it is the caller's choice.
    raise NoSolution(answer.detail)


def _too_long(seconds: float) -> TookTooLong:
    return TookTooLong(f"no solution was found within {seconds:g} seconds, the most that conda_max_solve_time allows")


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
