"""Spans: what is done, for how long, as part of what; told to whoever collects traces, if that is wanted.

Nothing here loads OpenTelemetry: without an exporter a span only hands on what came in.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from enum import Enum
from typing import Any, Protocol

import structlog

from conda_store_shared.telemetry.traceparent import TRACEPARENT

Value = str | int | float | bool


class Kind(Enum):
    """Which part of an exchange a span is."""

    INTERNAL = "internal"
    SERVER = "server"
    PRODUCER = "producer"
    CONSUMER = "consumer"


class Span(Protocol):
    """Something being done.  ``traceparent`` is for what is done as part of it; None when nobody traces."""

    @property
    def traceparent(self) -> str | None:
        """What belongs to this span is to name this."""
        ...

    def rename(self, name: str) -> None:
        """Call it otherwise, now that more is known."""
        ...

    def set(self, name: str, value: Value) -> None:
        """Tell more of it: ids, counts and codes; never a text that somebody wrote."""
        ...

    def fail(self, cause: str) -> None:
        """It did not come to a good end."""
        ...

    def end(self) -> None:
        """It is over."""
        ...


class Tracer(Protocol):
    """Makes spans."""

    def start(self, name: str, kind: Kind, parent: str | None, attributes: Mapping[str, Value]) -> Span:
        """Begin a span as part of ``parent``, or a trace of its own."""
        ...


class _HandedOn:
    """No span: what belongs to it belongs to what came in."""

    __slots__ = ("traceparent",)

    def __init__(self, traceparent: str | None) -> None:
        self.traceparent = traceparent

    def rename(self, name: str) -> None:
        pass

    def set(self, name: str, value: Value) -> None:
        pass

    def fail(self, cause: str) -> None:
        pass

    def end(self) -> None:
        pass


class _NoTracer:
    def start(self, name: str, kind: Kind, parent: str | None, attributes: Mapping[str, Value]) -> Span:
        return _HandedOn(parent)


_tracers: list[Tracer] = [_NoTracer()]


def is_traced() -> bool:
    """Whether anybody collects traces."""
    return len(_tracers) > 1


@contextmanager
def traced_by(tracer: Tracer) -> Iterator[None]:
    """Let the spans of this process be made by ``tracer``."""
    _tracers.append(tracer)
    try:
        yield
    finally:
        _tracers.remove(tracer)


@contextmanager
def span(
    name: str, kind: Kind = Kind.INTERNAL, *, parent: str | None = None, attributes: Mapping[str, Value] | None = None
) -> Iterator[Span]:
    """Do something as a span of its own; what is logged and sent meanwhile belongs to it."""
    started, is_over = _tracers[-1].start(name, kind, parent, attributes or {}), False
    try:
        with _bound(started.traceparent):
            yield started
        is_over = True
    finally:
        if not is_over:
            error = sys.exc_info()[0]
            started.fail(error.__name__ if error else "interrupted")
        started.end()


def _bound(traceparent: str | None) -> AbstractContextManager[Any]:
    return structlog.contextvars.bound_contextvars(**{TRACEPARENT: traceparent}) if traceparent else nullcontext()
