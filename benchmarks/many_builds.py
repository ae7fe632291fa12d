"""A hundred builds at once, against what the cores do without the suite."""

import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from benchmarks.bare import bare_builds
from benchmarks.bench import DEMO, SMALL, Bench
from benchmarks.cpu_time import cpu_seconds, per_build
from benchmarks.customer import Customer
from benchmarks.figures import Budget, Figure
from benchmarks.stage_times import stage_seconds
from benchmarks.statistic import median, percentile
from conda_store_shared.testing.servers.conda_store import Suite

SHARE = 70.0
CLIENTS = 8
# Archives come after COMPLETED and are no part of what the cores do bare.
OPTIONS = {"CondaStore.build_artifacts": ["LOCKFILE"]}


def measure(bench: Bench) -> list[Figure]:
    """Builds a second and their share of the bare rate, for a small environment and for the demo one."""
    figures: list[Figure] = []
    for kind, dependencies in {"small": SMALL, "demo": DEMO}.items():
        count, cores = bench.repeats(100, 10), os.cpu_count() or 1
        with bare_builds(bench, dependencies, cores) as builds:
            builds.warm_up()
            seconds, used = builds.many(count)
        bare = _Rate(builds=count / seconds, cpu=used)
        name = f"bare, {kind} environment, {cores} processes"
        figures.append(Figure(name=name, value=bare.builds, unit="builds/s"))
        figures.append(Figure(name=f"{name}, CPU of one build", value=bare.cpu, unit="s"))
        for mode in bench.modes:
            with bench.suite(mode, OPTIONS) as suite:
                measured = _measure(bench, suite, dependencies, count)
            figures += _figures(f"{mode}: {count} {kind} builds at once", measured, bare)
    return figures


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rate:
    """``builds`` a second, each of which takes ``cpu`` seconds of a core."""

    builds: float
    cpu: float
    details: Mapping[str, Any] = field(default_factory=dict)


def _measure(bench: Bench, suite: Suite, dependencies: Sequence[str], count: int) -> _Rate:
    with Customer(suite.url, bench.channel.url, patience=300) as customer:
        for _ in range(3):
            customer.follow(customer.submit(dependencies))
        pids = bench.pids(suite)
        before, began = cpu_seconds(pids), time.perf_counter()
        with ThreadPoolExecutor(CLIENTS) as threads:
            submitted = list(threads.map(lambda _: customer.submit(dependencies), range(count)))
        posted = time.perf_counter() - began
        for one in submitted:
            customer.follow(one)
        seconds = time.perf_counter() - began
        used = per_build(before, cpu_seconds(pids), count)
    stages = stage_seconds(suite, (one.build_id for one in submitted))
    posts = [one.seconds for one in submitted]
    details = {
        "seconds": round(seconds, 3),
        "posted_after": round(posted, 3),
        "post_median": round(median(posts), 4),
        "post_p99": round(percentile(posts, 99), 4),
        "stages": {stage: round(median(values), 4) for stage, values in sorted(stages.items())},
        "cpu": used,
    }
    return _Rate(builds=count / seconds, cpu=sum(used.values()), details=details)


def _figures(name: str, measured: _Rate, bare: _Rate) -> list[Figure]:
    share = 100 * measured.builds / bare.builds
    budget = Budget(value=SHARE, at_least=True)
    return [
        Figure(name=name, value=measured.builds, unit="builds/s", details=measured.details),
        Figure(name=f"{name}, of the bare rate", value=share, unit="%", budget=budget),
        Figure(name=f"{name}, CPU of one build", value=measured.cpu, unit="s"),
    ]
