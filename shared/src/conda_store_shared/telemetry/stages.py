"""Attempts at stages: how long they take and how they end, by cause; and what a build's end was."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import product

from prometheus_client import Counter, Histogram

from conda_store_shared.telemetry.registry import MINUTES, REGISTRY

DONE, INTERRUPTED, CANCELED, CRASHED = "done", "interrupted", "canceled", "crashed"

_seconds = Histogram(
    "conda_store_stage_seconds",
    "Time of an attempt at a stage, from its start to its outcome.",
    ("stage",),
    registry=REGISTRY,
    buckets=MINUTES,
)
_attempts = Counter(
    "conda_store_stage_attempts",
    "Attempts at a stage, by outcome: done, interrupted, canceled, crashed, or the cause of the failure.",
    ("stage", "outcome"),
    registry=REGISTRY,
)
_retries = Counter(
    "conda_store_stage_retries",
    "Repeats within an attempt, by the transient cause.",
    ("stage", "cause"),
    registry=REGISTRY,
)
_events = Counter(
    "conda_store_events",
    "Public events written to the log of events, by type; of those that end in failure, with the cause.",
    ("type", "cause"),
    registry=REGISTRY,
)


class Attempting:
    """An attempt under way; ``outcome`` is to be set before its end."""

    def __init__(self) -> None:
        self.outcome = CRASHED


@contextmanager
def attempting(stage: str) -> Iterator[Attempting]:
    """Count an attempt."""
    began, current = time.perf_counter(), Attempting()
    try:
        yield current
    finally:
        _attempts.labels(stage, current.outcome).inc()
        _seconds.labels(stage).observe(time.perf_counter() - began)


def retried(stage: str, cause: str) -> None:
    """Count a repeat within an attempt."""
    _retries.labels(stage, cause).inc()


def expect(kinds: Iterable[str], causes: Iterable[str] = ("",)) -> None:
    """Begin to count these public events at 0: of a figure that was not there before, the first rise is not seen."""
    for kind, cause in product(kinds, causes):
        _events.labels(kind, cause)


def recorded(kind: str, cause: str = "") -> None:
    """Count a public event that is committed."""
    _events.labels(kind, cause).inc()
