"""How a stage's attempts are run: what is said of them, retried, joined, stopped (design §3.6, §3.7, §3.9, §3.10)."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.contracts.envelope import EncodedMessage, Envelope, decode
from conda_store_shared.contracts.events import (
    AttemptEvent,
    BuildCanceled,
    Event,
    LockfileSolved,
    LogWritten,
    SolveRequested,
    StageFailed,
    StageInterrupted,
    StageProgress,
    StageStarted,
)
from conda_store_shared.domain.stage import SOLVE, FailureCode
from conda_store_shared.domain.storage_keys import canceled_key
from conda_store_shared.errors import BusUnavailable, StageFailure, StorageUnavailable
from conda_store_shared.storage.filesystem import FilesystemStore
from conda_store_shared.testing.bus_messages import an_envelope, eventually
from conda_store_shared.testing.figures import figure
from conda_store_shared.worker.stage import StageContext, StageOptions, StageWorker

pytestmark = pytest.mark.slow

Kind = TypeVar("Kind", bound=Event)
REQUEST = SolveRequested(build_id=7, build_key="key-7", order_digest="0" * 64)


class Listener(MemoryBus):
    """A bus that notes what is published, while the broker is not away."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Envelope] = []
        self.away = False

    async def publish(self, message: EncodedMessage) -> None:
        if self.away:
            raise BusUnavailable("the broker is away")
        self.heard.append(decode(message.headers, message.body))
        await super().publish(message)

    @property
    def in_order(self) -> list[type[Event]]:
        """What was published, without repeats and signs of life."""
        return [kind for kind in dict.fromkeys(self.kinds) if kind is not StageProgress]

    @property
    def log(self) -> str:
        return "".join(piece.lines for piece in self.of(LogWritten))

    @property
    def kinds(self) -> list[type[Event]]:
        return [type(envelope.event) for envelope in self.heard]

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [envelope.event for envelope in self.heard if isinstance(envelope.event, kind)]


class Stage:
    """A worker on a bus and a store, and its handler of solve requests."""

    def __init__(self, directory: Path, **options: Any) -> None:
        self.bus = Listener()
        self.store = FilesystemStore(directory / "objects")
        self.begun = 0
        self.worker = StageWorker(
            StageOptions(**{"source": "solver", "first_pause": 0.001, **options}), bus=self.bus, store=self.store
        )

    async def run(self, work: Callable[[StageContext], Awaitable[None]], envelope: Envelope | None = None) -> None:
        """Handle a request by ``work``, which ends in a lockfile."""

        async def solve(request: SolveRequested, context: StageContext) -> AttemptEvent:
            self.begun += 1
            await work(context)
            return LockfileSolved(
                build_id=request.build_id,
                build_key=request.build_key,
                stage=context.stage,
                attempt_id=context.attempt.attempt_id,
                attempt_started_at=context.attempt.started_at,
                lockfile_digest="1" * 64,
            )

        await self.worker.handler(lambda _request: SOLVE, solve)(envelope or an_envelope(REQUEST))

    def start(self, work: Callable[[StageContext], Awaitable[None]]) -> "asyncio.Task[None]":
        """Handle a request without waiting for it."""
        return asyncio.create_task(self.run(work))

    async def cancel(self, build_id: int) -> None:
        """Tell the worker that a build was canceled."""
        await self.worker.on_build_canceled(an_envelope(BuildCanceled(build_id=build_id, build_key=f"key-{build_id}")))


@pytest.fixture
async def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


async def at_once(context: StageContext) -> None:
    context.log("at once")


async def for_ever(_context: StageContext) -> None:
    await asyncio.Event().wait()


def failing(*failures: Exception) -> Callable[[StageContext], Awaitable[None]]:
    """Work that fails as often as there are failures, and then succeeds."""
    left = list(failures)

    async def work(_context: StageContext) -> None:
        if left:
            raise left.pop(0)

    return work


async def test_attempt_begins_speaks_and_ends_in_order(stage: Stage) -> None:
    async def work(context: StageContext) -> None:
        context.log("one")
        await asyncio.sleep(0)
        context.log("two\n")

    request = an_envelope(REQUEST)
    await stage.run(work, request)
    assert stage.bus.in_order == [StageStarted, LogWritten, LockfileSolved]
    assert stage.bus.log == "one\ntwo\n"
    said = [envelope.event for envelope in stage.bus.heard if isinstance(envelope.event, AttemptEvent)]
    assert len({(event.attempt_id, event.attempt_started_at, event.stage) for event in said}) == 1
    assert {(heard.correlation_id, heard.traceparent, heard.source) for heard in stage.bus.heard} == {
        (request.correlation_id, request.traceparent, "solver")
    }


async def test_each_request_is_an_attempt_of_its_own(stage: Stage) -> None:
    await stage.run(at_once)
    await stage.run(at_once)
    first, second = stage.bus.of(StageStarted)
    assert first.attempt_id != second.attempt_id


async def test_failure_is_told_with_its_cause_when_it_is_permanent(stage: Stage) -> None:
    await stage.run(failing(StageFailure(FailureCode.UNSATISFIABLE, "no numpy 99")))
    (failed,) = stage.bus.of(StageFailed)
    assert (failed.code, failed.detail, failed.transient) == ("unsatisfiable", "no numpy 99", False)
    assert stage.bus.kinds[-1] is StageFailed
    assert "no numpy 99" in stage.bus.log
    assert stage.begun == 1


async def test_work_is_tried_again_when_its_failure_passes(stage: Stage) -> None:
    reset = StageFailure(FailureCode.CHANNEL_UNREACHABLE, "reset", transient=True)
    await stage.run(failing(reset, StorageUnavailable("no answer")))
    assert stage.begun == 3
    assert stage.bus.in_order == [StageStarted, LogWritten, LockfileSolved]
    assert "reset; trying again" in stage.bus.log


async def test_failure_is_left_to_the_ledger_when_it_does_not_pass(stage: Stage) -> None:
    await stage.run(failing(*[StorageUnavailable("no answer")] * 9))
    (failed,) = stage.bus.of(StageFailed)
    assert (failed.code, failed.detail, failed.transient) == ("storage_unavailable", "no answer", True)
    assert stage.begun == 4


async def test_failure_is_left_to_the_ledger_when_half_the_deadline_is_over(tmp_path: Path) -> None:
    stage = Stage(tmp_path, deadline=0.01, first_pause=1.0)
    await stage.run(failing(StageFailure(FailureCode.CHANNEL_UNREACHABLE, "reset", transient=True)))
    assert stage.begun == 1
    assert stage.bus.of(StageFailed)[0].transient


async def test_dead_child_is_not_tried_again_so_that_it_is_counted(stage: Stage) -> None:
    await stage.run(failing(StageFailure(FailureCode.WORKER_LOST, "killed", transient=True)))
    assert stage.begun == 1
    assert stage.bus.of(StageFailed)[0].code == "worker_lost"


async def test_attempt_has_begun_for_the_ledger_when_it_crashes(stage: Stage) -> None:
    with pytest.raises(ZeroDivisionError):
        await stage.run(failing(ZeroDivisionError()))
    assert stage.bus.kinds == [StageStarted]


async def test_nothing_begins_when_the_build_is_marked_canceled(stage: Stage) -> None:
    await stage.store.put(canceled_key("key-7"), b"", "text/plain")
    await stage.run(at_once)
    assert (stage.begun, stage.bus.kinds) == (0, [])


async def test_request_is_kept_when_nobody_can_tell_whether_it_is_canceled(tmp_path: Path) -> None:
    class AwayStore(FilesystemStore):
        async def head(self, key: str) -> None:
            raise StorageUnavailable(key)

    worker = StageWorker(StageOptions(source="solver"), bus=Listener(), store=AwayStore(tmp_path))

    async def work(_request: SolveRequested, _context: StageContext) -> AttemptEvent:
        raise AssertionError

    with pytest.raises(StorageUnavailable):
        await worker.handler(lambda _request: SOLVE, work)(an_envelope(REQUEST))


async def test_work_stops_in_silence_when_its_build_is_canceled(stage: Stage) -> None:
    handling = stage.start(for_ever)
    await eventually(lambda: stage.begun == 1)
    await stage.cancel(8)
    assert not handling.done()
    await stage.cancel(7)
    await asyncio.wait_for(handling, 1)
    assert StageInterrupted not in stage.bus.kinds
    assert StageFailed not in stage.bus.kinds


async def test_work_is_given_up_with_a_word_when_the_worker_stops(stage: Stage) -> None:
    handling = stage.start(for_ever)
    await eventually(lambda: StageStarted in stage.bus.kinds)
    await stage.worker.interrupt()
    with pytest.raises(asyncio.CancelledError):
        await handling
    assert stage.bus.kinds[-1] is StageInterrupted
    assert stage.bus.of(StageInterrupted)[0].attempt_id == stage.bus.of(StageStarted)[0].attempt_id


@pytest.mark.parametrize(
    ("failures", "outcome"),
    [
        ([], "done"),
        ([StageFailure(FailureCode.UNSATISFIABLE, "no numpy 99")], "unsatisfiable"),
        ([ZeroDivisionError()], "crashed"),
    ],
)
async def test_attempts_are_counted_by_outcome(stage: Stage, failures: list[Exception], outcome: str) -> None:
    name = "conda_store_stage_attempts_total"
    before = figure(name, stage=SOLVE, outcome=outcome), figure("conda_store_stage_seconds_count", stage=SOLVE)
    with contextlib.suppress(ZeroDivisionError):
        await stage.run(failing(*failures))
    assert figure(name, stage=SOLVE, outcome=outcome) == before[0] + 1
    assert figure("conda_store_stage_seconds_count", stage=SOLVE) == before[1] + 1


async def test_repeats_within_an_attempt_are_counted_by_cause(stage: Stage) -> None:
    labels = {"stage": SOLVE, "cause": "storage_unavailable"}
    before = figure("conda_store_stage_retries_total", **labels)
    await stage.run(failing(StorageUnavailable("no answer")))
    assert figure("conda_store_stage_retries_total", **labels) == before + 1


@pytest.mark.slow
async def test_stop_takes_no_longer_when_the_broker_is_away(stage: Stage) -> None:
    handling = stage.start(for_ever)
    await eventually(lambda: StageStarted in stage.bus.kinds)
    stage.bus.away = True
    async with asyncio.timeout(4):
        await stage.worker.interrupt()
    handling.cancel()
    await asyncio.wait([handling])


async def test_repeat_joins_the_work_when_it_is_under_way(stage: Stage) -> None:
    go_on = asyncio.Event()

    async def work(_context: StageContext) -> None:
        await go_on.wait()

    first, second = stage.start(work), stage.start(work)
    await eventually(lambda: stage.begun == 1)
    await asyncio.sleep(0.02)
    assert not first.done()
    assert not second.done()
    go_on.set()
    await asyncio.gather(first, second)
    assert stage.begun == 1
    assert stage.bus.kinds == [StageStarted, LockfileSolved]


async def test_work_goes_on_when_the_delivery_that_began_it_dies(stage: Stage) -> None:
    go_on = asyncio.Event()

    async def work(_context: StageContext) -> None:
        await go_on.wait()

    first = stage.start(work)
    await eventually(lambda: stage.begun == 1)
    first.cancel()
    await asyncio.wait([first])
    second = stage.start(work)
    go_on.set()
    await second
    assert stage.begun == 1
    assert stage.bus.kinds[-1] is LockfileSolved


async def test_other_builds_are_worked_on_at_the_same_time(stage: Stage) -> None:
    handling = stage.start(for_ever)
    await eventually(lambda: stage.begun == 1)
    other = SolveRequested(build_id=8, build_key="key-8", order_digest="0" * 64)
    await stage.run(at_once, an_envelope(other))
    assert [event.build_id for event in stage.bus.of(LockfileSolved)] == [8]
    await stage.cancel(7)
    await handling


async def test_signs_of_life_are_sent_when_the_work_says_nothing(tmp_path: Path) -> None:
    stage = Stage(tmp_path, heartbeat=0.03)
    handling = stage.start(for_ever)
    await eventually(lambda: len(stage.bus.of(StageProgress)) >= 3)
    await stage.cancel(7)
    await handling
    assert {(said.done, said.total) for said in stage.bus.of(StageProgress)} == {(0, 0)}


async def test_newest_progress_is_sent_when_there_is_much(stage: Stage) -> None:
    async def work(context: StageContext) -> None:
        for done in range(1000):
            context.progress(done, 1000, "packages")
        await asyncio.sleep(0.6)

    await stage.run(work)
    assert 1 <= len(stage.bus.of(StageProgress)) <= 2
    assert stage.bus.of(StageProgress)[-1].done == 999


async def test_log_travels_in_pieces_when_it_is_long(stage: Stage) -> None:
    text = "".join(f"line {number} – ünïcode\n" for number in range(20_000))

    async def work(context: StageContext) -> None:
        context.log(text)

    await stage.run(work)
    pieces = stage.bus.of(LogWritten)
    assert len(pieces) > 5
    assert all(len(piece.lines.encode()) <= 64 * 1024 for piece in pieces)
    assert [piece.sequence for piece in pieces] == list(range(len(pieces)))
    assert stage.bus.log == text


async def test_log_is_cut_when_an_attempt_says_too_much(stage: Stage) -> None:
    async def work(context: StageContext) -> None:
        for _ in range(30):
            context.log("x\n" * 512 * 1024)

    await stage.run(work)
    assert 10 <= len(stage.bus.log) / 1024**2 < 12


async def test_log_and_failure_hold_no_secrets(stage: Stage) -> None:
    secret = "https://ann:hunter2@conda.example/t/tk-123/main"

    async def work(context: StageContext) -> None:
        context.log(f"fetching {secret}\x00")
        raise StageFailure(FailureCode.CHANNEL_FORBIDDEN, f"{secret}: 403\x00")

    await stage.run(work)
    said = stage.bus.log + stage.bus.of(StageFailed)[0].detail
    assert "hunter2" not in said
    assert "tk-123" not in said
    assert "\x00" not in said
    assert "https://***@conda.example/t/***/main" in said


async def test_everything_is_said_in_order_when_the_broker_was_away(stage: Stage) -> None:
    stage.bus.away = True

    async def work(context: StageContext) -> None:
        context.log("said while it was away")
        await asyncio.sleep(0.05)

    handling = stage.start(work)
    await asyncio.sleep(0.2)
    assert stage.bus.kinds == []
    stage.bus.away = False
    await asyncio.wait_for(handling, 5)
    assert stage.bus.in_order == [StageStarted, LogWritten, LockfileSolved]


async def test_detail_fits_a_message_when_the_explanation_is_endless(stage: Stage) -> None:
    await stage.run(failing(StageFailure(FailureCode.UNSATISFIABLE, "ü" * 500_000)))
    (failed,) = stage.bus.of(StageFailed)
    assert len(failed.detail) < 100_000
    assert len(stage.bus.log) > 500_000
