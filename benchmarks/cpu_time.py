"""CPU seconds of processes with all they start: what a build costs, whatever else the machine does meanwhile."""

from collections.abc import Mapping
from contextlib import suppress

import psutil

from benchmarks.statistic import rounded


def cpu_seconds(pids: Mapping[str, int]) -> dict[str, float]:
    """Seconds used so far, by name: of the process and all below it, those that have ended included."""
    return {name: _of_tree(pid) for name, pid in pids.items()}


def per_build(before: Mapping[str, float], after: Mapping[str, float], builds: int) -> dict[str, float]:
    """What was used in between for each of so many builds, by name."""
    return dict(zip(after, rounded([(after[name] - before[name]) / builds for name in after]), strict=True))


def _of_tree(pid: int) -> float:
    root = psutil.Process(pid)
    total = 0.0
    for process in (root, *root.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total
