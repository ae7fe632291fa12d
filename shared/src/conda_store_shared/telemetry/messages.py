"""Messages: how many, how they ended, how long they waited and took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from prometheus_client import Counter, Histogram

from conda_store_shared.telemetry.registry import MINUTES, MOMENTS, REGISTRY

UNDECODABLE = "undecodable"

_consumed = Counter(
    "conda_store_messages_consumed",
    "Messages taken from a queue, by what became of them: handled, returned to the queue, rejected, or canceled.",
    ("message", "outcome"),
    registry=REGISTRY,
)
_handling = Histogram(
    "conda_store_message_handling_seconds",
    "Time from the start of handling a message to its end, waiting for what is unavailable included.",
    ("message",),
    registry=REGISTRY,
    buckets=MINUTES,
)
_waited = Histogram(
    "conda_store_message_wait_seconds",
    "Time from when a message was written to when its handling began for the first time.",
    ("message",),
    registry=REGISTRY,
    buckets=(*MINUTES, 3600.0),
)
_repeats = Counter(
    "conda_store_message_retries",
    "Repeats of handlers that found something unavailable, their message being kept.",
    ("message",),
    registry=REGISTRY,
)
_published = Counter(
    "conda_store_messages_published",
    "Messages sent, by whether the broker confirmed them.",
    ("message", "outcome"),
    registry=REGISTRY,
)
_publishing = Histogram(
    "conda_store_message_publish_seconds",
    "Time until the broker confirmed a message, or was given up.",
    registry=REGISTRY,
    buckets=MOMENTS,
)


class Handling:
    """One message under way; ``outcome`` is to be set before the end."""

    def __init__(self) -> None:
        self.message = UNDECODABLE
        self.outcome = "canceled"

    def decoded(self, message: str, written: datetime, earlier: int) -> None:
        """Note what it is, and how long it waited, when nobody had it before."""
        self.message = message
        if not earlier:
            _waited.labels(message).observe(max(0.0, (datetime.now(UTC) - written).total_seconds()))

    def repeated(self) -> None:
        """The handler is called again."""
        _repeats.labels(self.message).inc()


@contextmanager
def handling() -> Iterator[Handling]:
    """Count a message that is being handled."""
    began, current = time.perf_counter(), Handling()
    try:
        yield current
    finally:
        _consumed.labels(current.message, current.outcome).inc()
        _handling.labels(current.message).observe(time.perf_counter() - began)


@contextmanager
def publishing(message: str) -> Iterator[None]:
    """Count a message that is being sent."""
    began, outcome = time.perf_counter(), "failed"
    try:
        yield
        outcome = "confirmed"
    finally:
        _published.labels(message, outcome).inc()
        _publishing.observe(time.perf_counter() - began)
