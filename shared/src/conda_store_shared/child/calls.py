"""Runs in the child: takes calls one by one, answers each, and ends when nobody is left to answer to."""

import asyncio
import contextlib
import errno
import importlib
import os
import select
import socket
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from conda_store_shared.child import processes
from conda_store_shared.child.protocol import Frame, FrameBuffer, encode
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure
from conda_store_shared.telemetry import told

# Progress between these is dropped: nobody reads faster, and a reporter may speak for every block of every download.
_PROGRESS_INTERVAL = 0.05
# The kernel should rather end a child than the service.
_OOM_SCORE = "700"
_LONGEST_DETAIL = 2000
_TICK = 0.003


@dataclass(frozen=True, slots=True)
class Seat:
    """What a newly forked child was given; ``lifelines`` end with the parent and with the zygote."""

    requests: socket.socket
    log: int
    lifelines: tuple[int, int]


def serve_calls(seat: Seat) -> None:
    """Answer calls until the parent closes the socket, then leave without the exit handlers of the zygote."""
    _settle(seat)
    buffer = FrameBuffer()
    report = _SocketReport(seat.requests)
    with contextlib.suppress(OSError), asyncio.Runner() as runner:
        # One loop for the child's life, so that what a call keeps warm can serve the next one.
        while (frame := _receive(seat.requests, buffer)) is not None:
            report.begin()
            answer = _answer(frame, report, runner)
            _flush()
            report.send(answer)
    _end()


def _settle(seat: Seat) -> None:
    os.setsid()
    processes.become_subreaper()
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE)
    os.dup2(seat.log, 1)
    os.dup2(seat.log, 2)
    os.close(seat.log)
    sys.stdout, sys.stderr = _stream(1), _stream(2)
    threading.Thread(target=_watch, args=(seat.lifelines,), name="lifeline", daemon=True).start()


def _stream(descriptor: int) -> TextIO:
    # The zygote's own streams remember what their descriptors were before, so new ones are made.
    return os.fdopen(descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)


def _watch(lifelines: tuple[int, int]) -> None:
    """Wait until the parent or the zygote is gone, however it went; then nothing may be left."""
    poll = select.poll()
    for descriptor in lifelines:
        poll.register(descriptor, select.POLLIN | select.POLLHUP)
    poll.poll()
    _end()


def _end() -> None:
    while started := processes.descendants(os.getpid()):
        processes.kill(started)
        time.sleep(_TICK)
    processes.kill_group(os.getpid())


def _receive(requests: socket.socket, buffer: FrameBuffer) -> Frame | None:
    while (frame := buffer.pop()) is None:
        received = requests.recv(65536)
        if not received:
            return None
        buffer.feed(received)
    return frame


def _answer(frame: Frame, report: "_SocketReport", runner: asyncio.Runner) -> Frame:
    try:
        result = _run(frame, report, runner)
        encode({"result": result})
    except StageFailure as failure:
        answer = _failure(failure)
    except BaseException as error:
        # The child's entry: whatever was raised is told, and nothing may end the loop but the parent.
        report.log(traceback.format_exc())
        answer = _failure(_classify(error))
    else:
        answer = {"result": result}
    notes = told.take()
    return answer | {"resident": processes.resident_bytes([os.getpid()]), "left": _left_over(), "notes": notes}


def _run(frame: Frame, report: "_SocketReport", runner: asyncio.Runner) -> Any:
    module, _, name = frame["function"].partition(":")
    result = getattr(importlib.import_module(module), name)(frame["arguments"], report)
    return runner.run(result) if asyncio.iscoroutine(result) else result


def _failure(failure: StageFailure) -> Frame:
    detail = failure.detail
    return {"failure": {"cause": str(failure.cause), "detail": detail, "transient": failure.transient}}


def _classify(error: BaseException) -> StageFailure:
    text = f"{type(error).__name__}: {error}"[:_LONGEST_DETAIL]
    for one in _chain(error):
        code = one.errno if isinstance(one, OSError) else None
        # rattler's errors carry the number in their text only.
        if code == errno.ENOSPC or f"(os error {errno.ENOSPC})" in str(one):
            return StageFailure(FailureCode.DISK_FULL, text, transient=True)
        if code == errno.EDQUOT or f"(os error {errno.EDQUOT})" in str(one):
            return StageFailure(FailureCode.DISK_FULL, text)
        if isinstance(one, MemoryError):
            return StageFailure(FailureCode.OUT_OF_MEMORY, "the process could get no more memory")
    return StageFailure(FailureCode.INTERNAL_ERROR, text)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, what it was raised from or during, and the members of groups."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [cause for cause in (one.__cause__, one.__context__) if cause is not None]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions


def _left_over() -> bool:
    """Whether something the call started still runs; what ended meanwhile is reaped."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False
        if pid == 0:
            return True


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()


class _SocketReport:
    """The child's side of Report: log lines by the log pipe, in order with what is printed; progress by the socket."""

    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests
        self._lock = threading.Lock()
        self._spoken = 0.0
        self._unit = ""

    def begin(self) -> None:
        """A new call speaks: its first progress is not held back for the last one's."""
        self._unit = ""

    def log(self, text: str) -> None:
        _flush()
        remaining = memoryview(f"{text.rstrip()}\n".encode(errors="backslashreplace"))
        while remaining:
            remaining = remaining[os.write(1, remaining) :]

    def progress(self, done: int, total: int, unit: str) -> None:
        now = time.monotonic()
        if done < total and unit == self._unit and now - self._spoken < _PROGRESS_INTERVAL:
            return
        self._spoken, self._unit = now, unit
        self.send({"progress": [done, total, unit]})

    def send(self, frame: Frame) -> None:
        with self._lock:
            self._requests.sendall(encode(frame))
