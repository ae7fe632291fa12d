"""Runs the attempts of a stage: says what happens, listens for cancels, retries what is worth it (design §3, §4)."""

import asyncio
import random
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import structlog

from conda_store_shared.bus.port import Bus, Handler
from conda_store_shared.contracts.envelope import Envelope
from conda_store_shared.contracts.events import AttemptEvent, BuildEvent, StageFailed, StageInterrupted, StageStarted
from conda_store_shared.domain.stage import Attempt, FailureCode
from conda_store_shared.domain.storage_keys import canceled_key
from conda_store_shared.errors import StageFailure, Unavailable
from conda_store_shared.redaction import redact
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.telemetry import stages
from conda_store_shared.telemetry.tracing import Value, span
from conda_store_shared.worker.reporter import Reporter, publish_until_taken

log = structlog.get_logger()
# A message has at most a megabyte, and a character that is not ASCII takes up to twelve bytes of it.
_LONGEST_DETAIL = 80_000
# Ends that are nobody's failure.
_GOOD = (stages.DONE, stages.CANCELED, stages.INTERRUPTED)
Request = TypeVar("Request", bound=BuildEvent)


class StageContext:
    """What an attempt may say while it runs; also serves as the report of a call to a child process."""

    def __init__(self, stage: str, attempt: Attempt, reporter: Reporter) -> None:
        self.stage = stage
        self.attempt = attempt
        self._reporter = reporter

    def log(self, text: str) -> None:
        """Add text to the build's log."""
        self._reporter.log(text)

    def progress(self, done: int, total: int, unit: str) -> None:
        """Tell how far the attempt is; ``total`` 0 means not known."""
        self._reporter.progress(done, total, unit)


Work = Callable[[Request, StageContext], Awaitable[AttemptEvent]]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageOptions:
    """``heartbeat``, ``deadline`` and ``first_pause`` are seconds; the pause before a retry doubles each time."""

    source: str
    heartbeat: float = 10.0
    deadline: float = 1200.0
    retries: int = 3
    first_pause: float = 0.5


@dataclass(slots=True, eq=False)
class _Run:
    """Work under way: one attempt at one stage of one build."""

    build_id: int
    task: "asyncio.Task[None]" = field(init=False)
    canceled: bool = False


@dataclass(frozen=True, slots=True)
class _Begun:
    """An attempt, and what is counted of it."""

    stage: str
    attempt: Attempt
    counted: stages.Attempting


class StageWorker:
    """Every stage of every service runs through here.

    One run per (build, stage) in this process: a repeat of a request that is still being worked on joins it.
    """

    def __init__(self, options: StageOptions, *, bus: Bus, store: ObjectStore) -> None:
        self._options = options
        self._bus = bus
        self._store = store
        self._runs: dict[tuple[int, str], _Run] = {}

    def handler(self, stage_of: Callable[[Any], str], work: Work[Any]) -> Handler:
        """Return the bus handler for requests whose stage is ``stage_of(request)`` and whose work is ``work``."""

        async def handle(envelope: Envelope) -> None:
            request = envelope.event
            if not isinstance(request, BuildEvent):
                raise TypeError(f"{type(request).__name__} is no request for work on a build")
            with structlog.contextvars.bound_contextvars(build_id=request.build_id, build_key=request.build_key):
                await self._join_or_start(envelope, request, stage_of(request), work)

        return handle

    async def on_build_canceled(self, envelope: Envelope) -> None:
        """Stop all work on the build, at once; the ledger has decided already, so nothing is reported."""
        event = envelope.event
        for run in list(self._runs.values()):
            if isinstance(event, BuildEvent) and run.build_id == event.build_id:
                run.canceled = True
                run.task.cancel()

    async def interrupt(self) -> None:
        """Give all running work up and say so; for a worker that stops on purpose."""
        tasks = [run.task for run in self._runs.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=5)

    async def _join_or_start(self, envelope: Envelope, request: BuildEvent, stage: str, work: Work[Any]) -> None:
        key = (request.build_id, stage)
        run = self._runs.get(key)
        if run is None:
            if await self._store.head(canceled_key(request.build_key)) is not None:
                return
            run = self._runs.get(key) or self._start(key, envelope, work)
        # Shielded: the delivery may die with its connection while the work goes on.
        await asyncio.wait([run.task])
        if run.canceled:
            return
        run.task.result()

    def _start(self, key: tuple[int, str], envelope: Envelope, work: Work[Any]) -> _Run:
        run = _Run(build_id=key[0])
        run.task = asyncio.create_task(self._attempt(run, key[1], envelope, work), name=f"{key[1]} of build {key[0]}")
        self._runs[key] = run
        run.task.add_done_callback(lambda _task: self._runs.pop(key, None))
        return run

    async def _attempt(self, run: _Run, stage: str, envelope: Envelope, work: Work[Any]) -> None:
        request = envelope.event
        assert isinstance(request, BuildEvent)  # noqa: S101 - checked by the handler
        attempt = Attempt(attempt_id=uuid.uuid4().hex, started_at=datetime.now(UTC))
        attributes: Mapping[str, Value] = {
            "build_id": request.build_id,
            "stage": stage,
            "attempt_id": attempt.attempt_id,
        }
        with (
            stages.attempting(stage) as current,
            span(f"stage {stage}", parent=envelope.traceparent, attributes=attributes) as traced,
        ):
            try:
                part = replace(envelope, traceparent=traced.traceparent)
                await self._work(run, _Begun(stage, attempt, current), part, work)
            finally:
                traced.set("outcome", current.outcome)
                if current.outcome not in _GOOD:
                    traced.fail(current.outcome)

    async def _work(self, run: _Run, begun: _Begun, envelope: Envelope, work: Work[Any]) -> None:
        request, stage, attempt = envelope.event, begun.stage, begun.attempt
        assert isinstance(request, BuildEvent)  # noqa: S101 - checked by the handler
        said: dict[str, Any] = {
            "build_id": request.build_id,
            "build_key": request.build_key,
            "stage": stage,
            "attempt_id": attempt.attempt_id,
            "attempt_started_at": attempt.started_at,
        }
        reporter = Reporter(self._bus, self._options.source, envelope, said, self._options.heartbeat)
        reporter.say(StageStarted(**said))
        context = StageContext(stage, attempt, reporter)
        began = time.monotonic()
        try:
            async with reporter:
                outcome = await self._outcome(request, context, said, work)
                await reporter.finish(outcome)
        except asyncio.CancelledError:
            begun.counted.outcome = stages.CANCELED if run.canceled else stages.INTERRUPTED
            if not run.canceled:
                await self._say_interrupted(envelope, StageInterrupted(**said))
            raise
        begun.counted.outcome = outcome.code if isinstance(outcome, StageFailed) else stages.DONE
        log.info("stage_ended", stage=stage, outcome=outcome.routing_key, seconds=round(time.monotonic() - began, 3))

    async def _outcome(
        self, request: BuildEvent, context: StageContext, said: dict[str, Any], work: Work[Any]
    ) -> AttemptEvent:
        try:
            return await self._with_retries(request, context, work)
        except StageFailure as failure:
            log.info("stage_failed", stage=context.stage, code=failure.cause, transient=failure.transient)
            context.log(f"{context.stage} failed ({failure.cause}): {failure.detail}\n")
            return StageFailed(**said, code=failure.cause, detail=_told(failure.detail), transient=failure.transient)

    async def _with_retries(self, request: BuildEvent, context: StageContext, work: Work[Any]) -> AttemptEvent:
        last = time.monotonic() + self._options.deadline / 2
        for retry in range(self._options.retries + 1):
            try:
                return await work(request, context)
            except StageFailure as failure:
                # A child that died may die again: the ledger counts those, so they are not hidden by retrying here.
                if not failure.transient or failure.cause == FailureCode.WORKER_LOST:
                    raise
                reason = failure
            except Unavailable as error:
                reason = StageFailure(FailureCode.STORAGE_UNAVAILABLE, error.message, transient=True)
            pause = self._options.first_pause * 2**retry * random.uniform(0.5, 1.5)  # noqa: S311 - jitter
            if retry == self._options.retries or time.monotonic() + pause > last:
                raise reason
            stages.retried(context.stage, reason.cause)
            context.log(f"{reason.detail}; trying again in {pause:.1f} s\n")
            await asyncio.sleep(pause)
        raise AssertionError("unreachable")

    async def _say_interrupted(self, envelope: Envelope, event: StageInterrupted) -> None:
        try:
            async with asyncio.timeout(2):
                await publish_until_taken(self._bus, self._options.source, envelope, event)
        except TimeoutError:
            # The broker gives the request back anyway; only the count of lost attempts is one too high.
            log.warning("interruption_not_reported", stage=event.stage)


def _told(detail: str) -> str:
    """The detail of a failure as every database and the broker can take it; the log has what is cut."""
    text = redact(detail).encode("utf-8", "replace").decode().replace("\x00", "")
    if len(text) <= _LONGEST_DETAIL:
        return text
    return f"{text[:_LONGEST_DETAIL]}\n… ({len(text)} characters in all; the log of the build has them)"
