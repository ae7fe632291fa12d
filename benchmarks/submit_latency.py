"""How long a POST of a specification takes, while the builds it asks for run one at a time."""

from benchmarks.bench import SMALL, Bench
from benchmarks.customer import Customer
from benchmarks.figures import Figure
from benchmarks.statistic import median, percentile

OPTIONS = {"Ledger.capacity": 1, "CondaStore.build_artifacts": ["LOCKFILE"]}


def measure(bench: Bench) -> list[Figure]:
    """One client, one specification after the other."""
    figures: list[Figure] = []
    for mode in bench.modes:
        with bench.suite(mode, OPTIONS) as suite, Customer(suite.url, bench.channel.url) as customer:
            customer.follow(customer.submit(SMALL))
            seconds = [customer.submit(SMALL).seconds for _ in range(bench.repeats(200, 30))]
        details = {"count": len(seconds), "slowest": round(max(seconds), 4)}
        name = f"{mode}: POST of a specification"
        figures += [
            Figure(name=f"{name}, median", value=1000 * median(seconds), unit="ms", details=details),
            Figure(name=f"{name}, p99", value=1000 * percentile(seconds, 99), unit="ms"),
        ]
    return figures
