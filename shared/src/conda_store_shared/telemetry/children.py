"""Child processes: calls by outcome, how long they take, and what they told of their work."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from prometheus_client import Counter, Histogram

from conda_store_shared.errors import StageFailure
from conda_store_shared.telemetry import caches
from conda_store_shared.telemetry.registry import MINUTES, REGISTRY

_calls = Counter(
    "conda_store_child_calls",
    "Calls of child processes, by outcome: done, canceled, or the cause of the failure, for which some were killed.",
    ("call", "outcome"),
    registry=REGISTRY,
)
_call_seconds = Histogram(
    "conda_store_child_call_seconds",
    "Time a call took in its child process.",
    ("call",),
    registry=REGISTRY,
    buckets=MINUTES,
)
_step_seconds = Histogram(
    "conda_store_step_seconds",
    "Time of a part of a call: pip_solve, pip_install, link_scripts.",
    ("step",),
    registry=REGISTRY,
    buckets=MINUTES,
)
_kinds: Mapping[str, Callable[..., None]] = {
    "cache": caches.looked_up,
    "downloaded": caches.downloaded,
    "step": lambda name, seconds: _step_seconds.labels(name).observe(seconds),
}


@contextmanager
def calling(function: str) -> Iterator[None]:
    """Count a call of ``function``, ``package.module:name``."""
    name, began, outcome = function.rpartition(":")[2], time.perf_counter(), "canceled"
    try:
        yield
        outcome = "done"
    except StageFailure as failure:
        outcome = failure.cause
        raise
    finally:
        _calls.labels(name, outcome).inc()
        _call_seconds.labels(name).observe(time.perf_counter() - began)


def add(notes: Iterable[list[Any]]) -> None:
    """Add up what a child told of (``told.take``)."""
    for kind, *values in notes:
        _kinds[kind](*values)
