"""The solve stage's work against bare py-rattler, on real records when CHANNEL_DIRECTORY names some."""

import asyncio
import os
from pathlib import Path

from benchmarks import solve
from benchmarks.bench import Bench
from benchmarks.figures import Budget, Figure

_RATIO = Budget(value=1.3)


def measure(_bench: Bench) -> list[Figure]:
    """The budget counts for real records; on the demo channel a solve is too short to tell."""
    named = os.environ.get("CHANNEL_DIRECTORY")
    found = asyncio.run(solve.measure(Path(named) if named else None))
    what = f"{'records of conda-forge' if named else 'the demo channel'}, {found['packages']} packages, warm"
    ratio = float(found["solve_over_bare"])
    budget = _RATIO if named else None
    return [
        Figure(name=f"solve on {what}, over bare", value=ratio, unit="x", budget=budget, details=found),
        Figure(name=f"solve on {what}, with transport and lockfile", value=found["ours"]["warm"], unit="s"),
        Figure(name=f"bare solve on {what}", value=found["bare"]["warm"], unit="s"),
    ]
