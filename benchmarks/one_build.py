"""One build of the demo environment, from the POST until it is COMPLETED, against the same work without the suite."""

from dataclasses import dataclass, field

from benchmarks.bare import BareBuilds, bare_builds
from benchmarks.bench import DEMO, Bench
from benchmarks.customer import Customer, Submitted
from benchmarks.figures import Budget, Figure
from benchmarks.stage_times import stage_seconds
from benchmarks.statistic import median, percentile, rounded
from conda_store_shared.testing.servers.conda_store import Suite

BUDGETS = {"standalone": 0.8, "distributed": 1.2}
OVERHEAD = 0.3
# The longest of what is made of a build by default.
_ARTIFACTS = ("CONDA_PACK", "CONSTRUCTOR_INSTALLER")


@dataclass(slots=True)
class _Times:
    """Warm builds in the order they were made, ours and bare in turn."""

    cold: float
    bare_cold: float
    packages: int
    submitted: list[Submitted] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)


def measure(bench: Bench) -> list[Figure]:
    """Cold once, then warm: median and 90th percentile, overhead, stages."""
    figures: list[Figure] = []
    for mode in bench.modes:
        with (
            bench.suite(mode) as suite,
            bare_builds(bench, DEMO) as bare,
            Customer(suite.url, bench.channel.url) as customer,
        ):
            times = _measure(customer, bare, bench.repeats(10, 2))
            figures += _figures(mode, times, suite)
    return figures


def _measure(customer: Customer, bare: BareBuilds, repeats: int) -> _Times:
    first = customer.submit(DEMO)
    cold = customer.follow(first)
    _wait_for_artifacts(customer, first)
    times = _Times(cold=cold, bare_cold=bare.one(), packages=customer.package_count(first))
    # The first of these is warm in the caches, but not yet in every child.
    for repeat in range(-1, repeats):
        seconds, submitted = bare.one(), customer.submit(DEMO)
        followed = customer.follow(submitted)
        # Artifacts under way would slow the next build down.
        _wait_for_artifacts(customer, submitted)
        if repeat >= 0:
            times.bare.append(seconds)
            times.seconds.append(followed)
            times.submitted.append(submitted)
    return times


def _wait_for_artifacts(customer: Customer, submitted: Submitted) -> None:
    for artifact_type in _ARTIFACTS:
        customer.wait_for_artifact(submitted, artifact_type)


def _figures(mode: str, times: _Times, suite: Suite) -> list[Figure]:
    stages = stage_seconds(suite, (one.build_id for one in times.submitted))
    ours, bare = median(times.seconds), median(times.bare)
    details = {
        "packages": times.packages,
        "cold": round(times.cold, 3),
        "warm": rounded(times.seconds),
        "post": rounded([one.seconds for one in times.submitted]),
        "stages": {stage: round(median(seconds), 4) for stage, seconds in sorted(stages.items())},
    }
    bare_details = {"cold": round(times.bare_cold, 3), "warm": rounded(times.bare)}
    name = f"{mode}: POST → COMPLETED, {times.packages} packages, warm"
    return [
        Figure(name=f"{name}, median", value=ours, unit="s", budget=Budget(value=BUDGETS[mode]), details=details),
        Figure(name=f"{name}, p90", value=percentile(times.seconds, 90), unit="s"),
        Figure(name=f"{mode}: first build, nothing cached", value=times.cold, unit="s"),
        Figure(name="bare solve + lock + install, warm, median", value=bare, unit="s", details=bare_details),
        Figure(name=f"{mode}: overhead over bare", value=ours - bare, unit="s", budget=Budget(value=OVERHEAD)),
    ]
