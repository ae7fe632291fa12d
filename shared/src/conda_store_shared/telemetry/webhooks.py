"""Webhooks: attempts by outcome, how long an event takes to arrive, and how many of them nothing reaches."""

from prometheus_client import Counter, Gauge, Histogram

from conda_store_shared.telemetry.registry import MINUTES, REGISTRY

DELIVERED, FAILED, GIVEN_UP, GONE = "delivered", "failed", "given_up", "gone"

_attempts = Counter(
    "conda_store_webhook_attempts",
    "Requests to webhooks, by outcome: delivered, failed (to be tried again), given_up (the last of all), or gone.",
    ("outcome",),
    registry=REGISTRY,
)
for _outcome in (DELIVERED, FAILED, GIVEN_UP, GONE):
    _attempts.labels(_outcome)
_seconds = Histogram(
    "conda_store_webhook_delivery_seconds",
    "Time from an event to its delivery to a webhook that was reached at the first attempt.",
    registry=REGISTRY,
    buckets=MINUTES,
)
_failing = Gauge(
    "conda_store_webhooks_failing",
    "Active webhooks whose last attempt failed, as the replica knows that delivers; 0 of others.",
    registry=REGISTRY,
)


def attempted(outcome: str) -> None:
    """Count a request."""
    _attempts.labels(outcome).inc()


def arrived(seconds: float) -> None:
    """Note how long an event took to arrive."""
    _seconds.observe(max(0.0, seconds))


def failing(count: int) -> None:
    """Tell how many webhooks nothing reaches."""
    _failing.set(count)
