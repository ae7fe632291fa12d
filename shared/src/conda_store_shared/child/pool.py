"""The pool: calls into warm child processes, each of which can be ended at any moment with all it started."""

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import structlog

from conda_store_shared.child.call import ChildCall, run_call
from conda_store_shared.child.launcher import Child, ZygoteLost, ZygoteProcess
from conda_store_shared.child.protocol import Frame
from conda_store_shared.child.report import Report, SilentReport
from conda_store_shared.child.uninterrupted import uninterrupted
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure
from conda_store_shared.redaction import redact
from conda_store_shared.telemetry import children

__all__ = ["ChildCall", "ChildPool", "PoolOptions", "PoolStats"]

log = structlog.get_logger(__name__)

_FIRST_DELAY = 0.05
_LONGEST_DELAY = 5.0
# Whatever lived this long was not born broken.
_STEADY = 5.0
# There is a child for every call at once; one that waits this much longer than it may run waits for a broken pool.
_LONGEST_WAIT = 30.0
_SILENT = SilentReport()


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolOptions:
    """How a pool keeps its children.

    ``preload`` names the modules imported once, before children are forked; ``spares`` is how many children there are
    at most, and so how many calls run at once: one from the start, and another whenever the last idle one is taken, or
    without ``ahead`` when none is left to take; a child is replaced after ``max_calls`` calls, or when it holds more
    than ``max_bytes`` resident after one; ``environment`` is added to the few variables a child gets.
    """

    preload: tuple[str, ...] = ()
    spares: int = 1
    ahead: bool = True
    max_calls: int = 50
    max_bytes: int = 1024**3
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolStats:
    """Process ids now, and counts since the pool was opened."""

    zygote: int | None
    idle: tuple[int, ...]
    busy: tuple[int, ...]
    started: int
    calls: int


class ChildPool:
    """Use as an asynchronous context manager: children exist inside it, and none are left after it."""

    def __init__(self, options: PoolOptions) -> None:
        self._options = options
        self._zygote: ZygoteProcess | None = None
        self._ready = asyncio.Event()
        # Last in, first out: the child used last is the warmest.  None means that the pool is closed.
        self._idle: asyncio.LifoQueue[Child | None] = asyncio.LifoQueue()
        self._children: set[Child] = set()
        self._wanted: deque[asyncio.Event] = deque()
        self._tasks: list[asyncio.Task[None]] = []
        self._started = self._calls = 0

    async def __aenter__(self) -> Self:
        """Start the zygote.  Raises StageFailure("internal_error") when the modules cannot be imported."""
        try:
            zygote = await ZygoteProcess.start(self._options.preload, self._options.environment)
        except ZygoteLost as lost:
            raise StageFailure(FailureCode.INTERNAL_ERROR, str(lost)) from lost
        self._tasks = [asyncio.create_task(self._keep_zygote(zygote), name="child-pool-zygote")]
        self._wanted.extend(asyncio.Event() for _ in range(self._options.spares))
        for index, wanted in enumerate(self._wanted):
            self._tasks.append(asyncio.create_task(self._keep_spare(wanted), name=f"child-pool-spare-{index}"))
        self._want_another()
        for task in self._tasks:
            task.add_done_callback(_tell_of_crash)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End every child and the zygote; calls that run or wait end as ``worker_lost``."""
        self._idle.put_nowait(None)
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        if self._zygote is not None:
            await self._zygote.stop()
            self._zygote = None
        for task in self._tasks:
            if not task.cancelled():
                task.result()

    async def call(self, call: ChildCall, report: Report = _SILENT) -> Any:
        """Run the call in a child, waiting for a free one, and return its JSON result.

        Raises StageFailure: what the function raised as such, else ``internal_error``, ``disk_full``, ``timeout``,
        ``out_of_memory`` or ``worker_lost``.  When the awaiting task is canceled, the child and all it started are gone
        before CancelledError goes on.
        """
        with children.calling(call.function):
            return await self._call(call, report)

    async def _call(self, call: ChildCall, report: Report) -> Any:
        child = await self._take_within(call.timeout + _LONGEST_WAIT)
        self._calls += 1
        child.calls += 1
        child.busy = True
        child.log.attach(report.log)
        answer: Frame | None = None
        try:
            answer = await run_call(child, call, report)
        finally:
            child.log.detach()
            if answer is None or answer["left"]:
                await uninterrupted(child.end())
            child.busy = False
            child.release()
            self._give_back(child, answer)
        children.add(answer["notes"])
        if "failure" in answer:
            failure = answer["failure"]
            raise StageFailure(failure["cause"], redact(failure["detail"]), transient=failure["transient"])
        return answer["result"]

    def stats(self) -> PoolStats:
        """For metrics, and for tests that end processes."""
        return PoolStats(
            zygote=self._zygote.pid if self._zygote else None,
            idle=tuple(sorted(child.pid for child in self._children if not child.busy)),
            busy=tuple(sorted(child.pid for child in self._children if child.busy)),
            started=self._started,
            calls=self._calls,
        )

    async def _take_within(self, seconds: float) -> Child:
        try:
            async with asyncio.timeout(seconds):
                return await self._take()
        except TimeoutError as error:
            detail = f"no child process was free for {seconds:g} seconds"
            raise StageFailure(FailureCode.INTERNAL_ERROR, detail, transient=True) from error

    async def _take(self) -> Child:
        while True:
            if self._idle.qsize() <= self._options.ahead:
                self._want_another()
            child = await self._idle.get()
            if child is None:
                self._idle.put_nowait(None)
                raise StageFailure(FailureCode.WORKER_LOST, "the pool of child processes is closed", transient=True)
            if not child.spent.is_set():
                return child

    def _want_another(self) -> None:
        # A process that nobody has needed yet would only take memory.
        if self._wanted:
            self._wanted.popleft().set()

    def _give_back(self, child: Child, answer: Frame | None) -> None:
        if child.spent.is_set() or answer is None:
            return
        if child.calls >= self._options.max_calls or answer["resident"] > self._options.max_bytes:
            child.spent.set()
        else:
            self._idle.put_nowait(child)

    async def _keep_zygote(self, zygote: ZygoteProcess) -> None:
        delay = _Delay()
        while True:
            self._zygote = zygote
            self._ready.set()
            log.info("child_zygote_ready", pid=zygote.pid, threads=zygote.threads)
            await zygote.follow()
            self._ready.clear()
            log.warning("child_zygote_lost", pid=zygote.pid)
            await zygote.stop()
            zygote = await self._restart(delay)

    async def _restart(self, delay: "_Delay") -> ZygoteProcess:
        while True:
            await delay.wait()
            try:
                return await ZygoteProcess.start(self._options.preload, self._options.environment)
            except (ZygoteLost, OSError) as lost:
                log.warning("child_zygote_not_started", reason=str(lost))

    async def _keep_spare(self, wanted: asyncio.Event) -> None:
        await wanted.wait()
        delay = _Delay()
        while True:
            await self._ready.wait()
            child = await self._fork()
            if child is not None:
                self._children.add(child)
                self._idle.put_nowait(child)
                await child.spent.wait()
                await child.end()
                self._children.discard(child)
            if child is None or child.calls == 0:
                await delay.wait()

    async def _fork(self) -> Child | None:
        if self._zygote is None:
            return None
        try:
            child = await self._zygote.fork()
        except ZygoteLost as lost:
            log.warning("child_not_forked", reason=str(lost))
            return None
        self._started += 1
        return child


def _tell_of_crash(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("child_pool_task_crashed", task=task.get_name(), exc_info=error)


class _Delay:
    """Waits longer each time, and starts over once there was no need to wait for a while."""

    def __init__(self) -> None:
        self._seconds = _FIRST_DELAY
        self._waited = time.monotonic()

    async def wait(self) -> None:
        if time.monotonic() - self._waited > _STEADY + self._seconds:
            self._seconds = _FIRST_DELAY
        await asyncio.sleep(self._seconds)
        self._seconds = min(self._seconds * 2, _LONGEST_DELAY)
        self._waited = time.monotonic()
