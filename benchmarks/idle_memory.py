"""Memory of every process of the suite before its first request: PSS with all children, shared pages divided."""

import time

import psutil

from benchmarks.bench import STANDALONE, Bench
from benchmarks.figures import Budget, Figure

_BUDGETS = {"standalone": 280.0, "solver": 180.0}
_OTHERS = 120.0
# Spares are forked and imports done by then.
_SETTLE = 5.0


def measure(bench: Bench) -> list[Figure]:
    """One figure for each process, and their sum."""
    figures: list[Figure] = []
    for mode in bench.modes:
        with bench.suite(mode) as suite:
            time.sleep(_SETTLE)
            found = {name: _memory(process.pid) for name, process in suite.processes.items()}
        figures += [_figure(name, members) for name, members in found.items()]
        if mode != STANDALONE:
            total = sum(sum(members.values()) for members in found.values())
            figures.append(Figure(name="idle memory of the five together", value=total, unit="MB"))
    return figures


def _figure(name: str, members: dict[str, float]) -> Figure:
    budget = Budget(value=_BUDGETS.get(name, _OTHERS))
    return Figure(name=f"idle memory of {name}", value=sum(members.values()), unit="MB", budget=budget, details=members)


def _memory(pid: int) -> dict[str, float]:
    """PSS in MB of a process and all below it, by name and id."""
    parent = psutil.Process(pid)
    return {
        f"{member.name()} {member.pid}": round(member.memory_full_info().pss / 1e6, 1)
        for member in (parent, *parent.children(recursive=True))
    }
