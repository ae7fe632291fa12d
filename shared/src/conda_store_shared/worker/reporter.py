"""What one attempt says on the bus while it runs: in order, without ever holding the work up."""

import asyncio
import uuid
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from conda_store_shared.bus.port import Bus
from conda_store_shared.contracts.envelope import Envelope
from conda_store_shared.contracts.events import AttemptEvent, Event, LogWritten, StageProgress
from conda_store_shared.errors import BusUnavailable
from conda_store_shared.redaction import redact

PIECE_BYTES = 64 * 1024
PIECE_SECONDS = 0.25
# A build's log is cut at 10 MB by the ledger; no attempt needs to send more.
MAXIMUM_LOG_BYTES = 10 * 1024 * 1024
_PROGRESS_SECONDS = 0.5
_LAST_WORDS_SECONDS = 5.0


def answer(source: str, request: Envelope, event: Event) -> Envelope:
    """Return ``event`` in an envelope that belongs to the same request."""
    return Envelope(
        event=event,
        message_id=uuid.uuid4().hex,
        source=source,
        time=datetime.now(UTC),
        correlation_id=request.correlation_id,
        traceparent=request.traceparent,
    )


async def publish_until_taken(bus: Bus, source: str, request: Envelope, event: Event) -> None:
    """Publish ``event``; while the broker is away, keep trying."""
    message = answer(source, request, event).encode()
    pause = 0.2
    while True:
        try:
            return await bus.publish(message)
        except BusUnavailable:
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5.0)


class Reporter:
    """Sends the facts, log pieces and heartbeats of one attempt from a task of its own."""

    def __init__(self, bus: Bus, source: str, request: Envelope, said: dict[str, Any], heartbeat: float) -> None:
        self._bus = bus
        self._source = source
        self._request = request
        self._said = said
        self._heartbeat = heartbeat
        self._facts: deque[AttemptEvent] = deque()
        self._lines: list[str] = []
        self._log_bytes = 0
        self._sequence = 0
        self._progress: StageProgress | None = None
        self._last_progress = (0, 0, "")
        self._wake = asyncio.Event()
        self._stopping = False

    def say(self, event: AttemptEvent) -> None:
        """Queue a fact."""
        self._facts.append(event)
        self._wake.set()

    def log(self, text: str) -> None:
        """Queue log text; credentials in addresses are masked."""
        if not text or self._log_bytes > MAXIMUM_LOG_BYTES:
            return
        text = redact(text if text.endswith("\n") else text + "\n").replace("\x00", "")
        self._log_bytes += len(text)
        self._lines.append(text)
        self._wake.set()

    def progress(self, done: int, total: int, unit: str) -> None:
        """Note how far the work is; the newest word replaces older ones not sent yet."""
        self._last_progress = (done, total, unit)
        self._progress = StageProgress(**self._said, done=done, total=total, unit=unit)
        self._wake.set()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._send())
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        if kind is None:
            return
        if not issubclass(kind, asyncio.CancelledError):
            # The ledger counts attempts that began and ended without a word: one that crashed must have begun for it.
            self._stopping = True
            self._wake.set()
            await asyncio.wait([self._task], timeout=_LAST_WORDS_SECONDS)
        self._task.cancel()
        await asyncio.wait([self._task])

    async def finish(self, outcome: AttemptEvent) -> None:
        """Send everything that is still queued, the outcome last."""
        self._stopping = True
        self._wake.set()
        await self._task
        await publish_until_taken(self._bus, self._source, self._request, outcome)

    async def _send(self) -> None:
        loop = asyncio.get_running_loop()
        heard = progressed = loop.time()
        while True:
            await self._wait_until_something(heard)
            self._wake.clear()
            now = loop.time()
            while self._facts:
                await self._publish(self._facts.popleft())
                heard = now
            await self._send_lines()
            due = self._progress if now - progressed >= _PROGRESS_SECONDS else None
            if due is None and now - heard >= self._heartbeat:
                done, total, unit = self._last_progress
                due = StageProgress(**self._said, done=done, total=total, unit=unit)
            if due is not None and not self._stopping:
                self._progress = None
                await self._publish(due)
                heard = progressed = now
            if self._stopping:
                return await self._send_lines()

    async def _wait_until_something(self, heard: float) -> None:
        loop = asyncio.get_running_loop()
        limit = max(0.0, heard + self._heartbeat - loop.time())
        try:
            async with asyncio.timeout(_PROGRESS_SECONDS if self._progress else limit):
                await self._wake.wait()
                # Lines that come together travel together.
                if not self._facts and not self._stopping:
                    self._wake.clear()
                    await self._gather_lines()
        except TimeoutError:
            pass

    async def _gather_lines(self) -> None:
        try:
            async with asyncio.timeout(PIECE_SECONDS):
                while not self._stopping and not self._facts and sum(map(len, self._lines)) < PIECE_BYTES:
                    await self._wake.wait()
                    self._wake.clear()
        except TimeoutError:
            pass

    async def _send_lines(self) -> None:
        text = "".join(self._lines).encode("utf-8", "replace")
        self._lines.clear()
        for piece in _pieces(text):
            await self._publish(LogWritten(**self._said, sequence=self._sequence, lines=piece.decode()))
            self._sequence += 1

    async def _publish(self, event: AttemptEvent) -> None:
        await publish_until_taken(self._bus, self._source, self._request, event)


def _pieces(text: bytes) -> Iterator[bytes]:
    """Cut UTF-8 text between characters."""
    start = 0
    while start < len(text):
        end = min(start + PIECE_BYTES, len(text))
        # Bytes 10xxxxxx go on with a character.
        while end < len(text) and text[end] & 0b1100_0000 == 0b1000_0000:
            end -= 1
        yield text[start:end]
        start = end
