"""How long after a build is COMPLETED its webhook arrives: of one webhook, and of the last of a hundred."""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime

from benchmarks.bench import SMALL, Bench
from benchmarks.customer import Customer
from benchmarks.figures import Budget, Figure
from benchmarks.statistic import median, percentile, rounded
from conda_store_shared.testing.servers.webhook_receiver import Received, WebhookReceiver

BUDGET = 50.0
MANY = 100
COMPLETED = "build.completed"
OPTIONS = {
    "CondaStore.build_artifacts": ["LOCKFILE"],
    "CondaStore.webhook_allowed_networks": ["127.0.0.0/8"],
    "CondaStore.webhooks_per_owner": MANY,
}
_PATIENCE = 60.0


def measure(bench: Bench) -> list[Figure]:
    """One build after the other, with one webhook and then with many."""
    figures: list[Figure] = []
    for mode in bench.modes:
        with (
            bench.suite(mode, OPTIONS) as suite,
            Customer(suite.url, bench.channel.url) as customer,
            WebhookReceiver() as receiver,
        ):
            customer.follow(customer.submit(SMALL))
            customer.add_webhook(f"{receiver.url}/0", [COMPLETED])
            one = _seconds(customer, receiver, bench.repeats(100, 10), 1)
            for number in range(1, MANY):
                customer.add_webhook(f"{receiver.url}/{number}", [COMPLETED])
            many = _seconds(customer, receiver, bench.repeats(20, 3), MANY)
        figures += _figures(mode, one, many)
    return figures


def _seconds(customer: Customer, receiver: WebhookReceiver, builds: int, webhooks: int) -> list[float]:
    """Of each build, the seconds from its event to the last of its webhooks."""
    found = []
    for _ in range(builds):
        receiver.received.clear()
        customer.follow(customer.submit(SMALL))
        received = receiver.await_received(lambda received: len(received) >= webhooks, _PATIENCE)
        found.append(_last(received))
    return found


def _last(received: Sequence[Received]) -> float:
    # Both clocks are of this machine.
    wall = time.time() - time.monotonic()
    happened = datetime.fromisoformat(received[0].event["time"]).timestamp()
    return max(each.at for each in received) + wall - happened


def _figures(mode: str, one: Sequence[float], many: Sequence[float]) -> list[Figure]:
    name = f"{mode}: COMPLETED → webhook"
    details: Mapping[str, object] = {"count": len(one), "seconds": rounded(one)}
    return [
        Figure(
            name=f"{name}, median",
            value=1000 * median(one),
            unit="ms",
            budget=Budget(value=BUDGET),
            details=details,
        ),
        Figure(name=f"{name}, p99", value=1000 * percentile(one, 99), unit="ms"),
        Figure(
            name=f"{name}, the last of {MANY}, median",
            value=1000 * median(many),
            unit="ms",
            details={"seconds": rounded(many)},
        ),
    ]
