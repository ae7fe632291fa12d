"""A hundred builds at once, against what the cores do without the suite."""

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from benchmarks.bare import bare_builds
from benchmarks.bench import DEMO, SMALL, Bench
from benchmarks.customer import Customer
from benchmarks.figures import Budget, Figure
from benchmarks.stage_times import stage_seconds
from benchmarks.statistic import median, percentile

SHARE = 70.0
CLIENTS = 8
# Archives come after COMPLETED and are no part of what the cores do bare.
OPTIONS = {"CondaStore.build_artifacts": ["LOCKFILE"]}


def measure(bench: Bench) -> list[Figure]:
    """Builds a second and their share of the bare rate, for a small environment and for the demo one."""
    figures: list[Figure] = []
    kinds = {"small": SMALL} if bench.quick else {"small": SMALL, "demo": DEMO}
    for kind, dependencies in kinds.items():
        count = bench.repeats(100, 20)
        cores = os.cpu_count() or 1
        with bare_builds(bench.channel.url, dependencies, cores) as bare:
            bare.warm_up()
            rate = count / bare.many(count)
        figures.append(Figure(name=f"bare, {kind} environment, {cores} processes", value=rate, unit="builds/s"))
        for mode in bench.modes:
            figures += _measure(bench, f"{mode}: {count} {kind} builds at once", dependencies, (mode, count, rate))
    return figures


def _measure(
    bench: Bench, name: str, dependencies: Sequence[str], how: tuple[str, int, float]
) -> list[Figure]:
    mode, count, rate = how
    with bench.suite(mode, OPTIONS) as suite, Customer(suite.url, bench.channel.url, patience=300) as customer:
        for _ in range(3):
            customer.follow(customer.submit(dependencies))
        began = time.perf_counter()
        with ThreadPoolExecutor(CLIENTS) as threads:
            submitted = list(threads.map(lambda _: customer.submit(dependencies), range(count)))
        posted = time.perf_counter() - began
        for one in submitted:
            customer.follow(one)
        seconds = time.perf_counter() - began
        stages = stage_seconds(suite, (one.build_id for one in submitted))
    posts = [one.seconds for one in submitted]
    details = {
        "seconds": round(seconds, 3),
        "posted_after": round(posted, 3),
        "post_median": round(median(posts), 4),
        "post_p99": round(percentile(posts, 99), 4),
        "stages": {stage: round(median(values), 4) for stage, values in sorted(stages.items())},
    }
    share = 100 * count / seconds / rate
    budget = Budget(value=SHARE, at_least=True)
    return [
        Figure(name=name, value=count / seconds, unit="builds/s", details=details),
        Figure(name=f"{name}, of the bare rate", value=share, unit="%", budget=budget),
    ]
