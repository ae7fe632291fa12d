"""What becomes of a delivered message: decode, call the handler, then tell how it ended."""

import asyncio
import enum
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from conda_store_shared.bus.backoff import Backoff
from conda_store_shared.bus.port import Connected, Handler
from conda_store_shared.contracts.envelope import Envelope, decode
from conda_store_shared.contracts.events import BuildEvent
from conda_store_shared.errors import Unavailable, UndecodableMessage
from conda_store_shared.telemetry.messages import Handling, handling
from conda_store_shared.telemetry.tracing import Kind, span

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message as it came out of ``queue``; ``earlier`` counts the deliveries before this one."""

    queue: str
    message_id: str
    headers: Mapping[str, Any]
    body: bytes
    earlier: int = 0


class Outcome(enum.Enum):
    """What the broker is to do with a message."""

    HANDLED = "handled"
    """Forget it."""
    RETURNED = "returned"
    """Deliver it again, up to the delivery limit."""
    REJECTED = "rejected"
    """Put it to the dead queue at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How a consumer waits: between calls while something is unavailable, before it returns a message that crashed.

    A message is kept for at most ``longest`` seconds of unavailability, then returned.
    """

    unavailable: Backoff = field(default_factory=lambda: Backoff(first=1.0, longest=15.0))
    crashed: Backoff = field(default_factory=lambda: Backoff(first=0.5, longest=5.0))
    longest: float = math.inf


async def handle(delivery: Delivery, handler: Handler, patience: Patience) -> Outcome:
    """Hand a delivered message to ``handler`` and return how that ended; raises nothing but cancellation."""
    with handling() as current, structlog.contextvars.bound_contextvars(**_place(delivery)):
        outcome = await _decode_and_call(delivery, _Turn(handler, patience, current))
        current.outcome = outcome.value
        return outcome


async def call_each(callbacks: Iterable[Connected]) -> None:
    """Call what wants to know of a connection; one that fails is logged and keeps no other from its turn."""
    for callback in callbacks:
        try:
            await callback()
        except Exception:
            _log.exception("connected_callback_failed")


@dataclass(frozen=True, slots=True)
class _Turn:
    """How a message is handled, and what is counted of it."""

    handler: Handler
    patience: Patience
    current: Handling


async def _decode_and_call(delivery: Delivery, turn: _Turn) -> Outcome:
    try:
        envelope = decode(delivery.headers, delivery.body)
    except UndecodableMessage as error:
        _log.error("message_undecodable", reason=str(error), size=len(delivery.body))
        return Outcome.REJECTED
    key = envelope.event.routing_key
    turn.current.decoded(key, envelope.time, delivery.earlier)
    context = _context(envelope)
    attributes = {"messaging.destination.name": delivery.queue, "messaging.message.id": delivery.message_id}
    attributes |= {name: context[name] for name in ("correlation_id", "build_id") if name in context}
    with (
        structlog.contextvars.bound_contextvars(**context),
        span(f"handle {key}", Kind.CONSUMER, parent=envelope.traceparent, attributes=attributes) as handled,
    ):
        outcome = await _call(delivery, replace(envelope, traceparent=handled.traceparent), turn)
        handled.set("outcome", outcome.value)
        if outcome is not Outcome.HANDLED:
            handled.fail(outcome.value)
        return outcome


async def _call(delivery: Delivery, envelope: Envelope, turn: _Turn) -> Outcome:
    clock, patience = asyncio.get_running_loop().time, turn.patience
    give_up = clock() + patience.longest
    repeats = 0
    while True:
        try:
            await _finish(turn.handler, envelope)
        except UndecodableMessage as error:
            _log.error("message_undecodable", reason=str(error), size=len(delivery.body))
            return Outcome.REJECTED
        except Exception as error:
            if not _is_unavailable(error):
                _log.exception("message_handler_crashed", earlier_deliveries=delivery.earlier)
                await asyncio.sleep(patience.crashed.delay(delivery.earlier))
                return Outcome.RETURNED
            pause = patience.unavailable.delay(repeats)
            _log.warning("message_kept", reason=repr(error), retry_in_seconds=round(pause, 1))
        else:
            return Outcome.HANDLED
        if clock() + pause > give_up:
            return Outcome.RETURNED
        await asyncio.sleep(pause)
        repeats += 1
        turn.current.repeated()


async def _finish(handler: Handler, envelope: Envelope) -> None:
    """Call the handler; a cancellation that leaked out of its own work is its failure, not ours."""
    try:
        await handler(envelope)
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise RuntimeError("the handler was cancelled from within") from error


def _is_unavailable(error: Exception) -> bool:
    """Whether nothing but unavailable infrastructure is behind ``error``, alone or grouped by a TaskGroup."""
    if isinstance(error, ExceptionGroup):
        return error.split(Unavailable)[1] is None
    return isinstance(error, Unavailable)


def _place(delivery: Delivery) -> dict[str, Any]:
    return {"queue": delivery.queue, "message_id": delivery.message_id}


def _context(envelope: Envelope) -> dict[str, Any]:
    event = envelope.event
    context: dict[str, Any] = {"routing_key": event.routing_key, "correlation_id": envelope.correlation_id}
    if isinstance(event, BuildEvent):
        context["build_id"] = event.build_id
    return context
