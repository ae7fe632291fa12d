"""Our solve (child process, probe, lockfile) against bare py-rattler, on the same channel.

``CHANNEL_DIRECTORY`` (or the first argument) names a channel on disk, such as records of conda-forge; without it the
demo channel is taken.
"""

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from rattler import Gateway, GenericVirtualPackage, MatchSpec, PackageName, Version, solve
from rattler.package import BuildString

from conda_store_shared.child import processes
from conda_store_shared.child.pool import ChildPool, PoolOptions
from conda_store_shared.child.report import SilentReport
from conda_store_shared.conda.virtual_packages import virtual_packages
from conda_store_shared.domain.order import SolveOrder
from conda_store_shared.testing.demo_channel import build_demo_channel
from conda_store_shared.testing.demo_channel.server import ChannelServer
from conda_store_solver.adapters.rattler_solver import CHILD_MODULE, RattlerSolver
from conda_store_solver.config import SolverOptions
from conda_store_solver.main import build_solver

PLATFORM = "linux-64"
REPEATS = 15
CONDA_FORGE = ("python=3.12", "numpy", "pandas", "scipy", "scikit-learn", "jupyterlab")
DEMO = ("python", "numpy", "flask", "ipykernel")


async def measure(directory: Path | None = None) -> dict[str, Any]:
    """Seconds for one environment, bare and ours in turn: first and warm (median); PSS of our children in MiB."""
    dependencies = CONDA_FORGE if directory else DEMO
    with ChannelServer(directory or build_demo_channel().path) as server, tempfile.TemporaryDirectory() as cache:
        async with ChildPool(PoolOptions(preload=(CHILD_MODULE,), spares=2)) as pool:
            await asyncio.sleep(1)
            idle = _children_memory()
            seen = _SolveTimes()
            bare = _bare(dependencies, server.url, Path(cache) / "bare")
            ours = _ours(dependencies, server.url, build_solver(SolverOptions(cache_directory=Path(cache)), pool), seen)
            times = await _times({"bare": bare, "ours": ours})
            after = _children_memory()
    solving = seen.median()
    return {
        "channel": directory.name if directory else "demo channel",
        "dependencies": list(dependencies),
        **times,
        "ours_without_lockfile": solving,
        "solve_over_bare": round(solving / times["bare"]["warm"], 2),
        "overhead": round(times["ours"]["warm"] - times["bare"]["warm"], 4),
        "children_memory_idle": idle,
        "children_memory_after": after,
    }


Once = Callable[[], Awaitable[int]]


def _bare(dependencies: tuple[str, ...], channel: str, cache: Path) -> Once:
    gateway = Gateway(cache_dir=cache)
    provided = [
        GenericVirtualPackage(PackageName(one.name), Version(one.version), BuildString(one.build or "0"))
        for one in virtual_packages(PLATFORM)
    ]

    async def once() -> int:
        specs = [MatchSpec(text) for text in dependencies]
        platforms = [PLATFORM, "noarch"]
        return len(await solve([channel], specs, gateway=gateway, platforms=platforms, virtual_packages=provided))

    return once


def _ours(dependencies: tuple[str, ...], channel: str, solver: RattlerSolver, seen: "_SolveTimes") -> Once:
    order = SolveOrder(
        specification={"name": "x", "channels": [channel], "dependencies": list(dependencies)},
        channels=(channel,),
        platforms=(PLATFORM,),
        deadline=300.0,
    )

    async def once() -> int:
        return len((await solver.solve(order, seen)).packages)

    return once


class _SolveTimes(SilentReport):
    """Measures from the child's first progress to its last: probe and solve, without transport and lockfile."""

    def __init__(self) -> None:
        self._began = 0.0
        self._seconds: list[float] = []

    def progress(self, done: int, total: int, unit: str) -> None:
        if done == 0:
            self._began = time.perf_counter()
        else:
            self._seconds.append(time.perf_counter() - self._began)

    def median(self) -> float:
        return round(statistics.median(self._seconds[1:]), 4)


async def _times(candidates: dict[str, Once]) -> dict[str, Any]:
    """Run the candidates in turn, so that whatever else the machine does hits them alike."""
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    packages = 0
    for _ in range(REPEATS + 1):
        for name, once in candidates.items():
            began = time.perf_counter()
            packages = await once()
            seconds[name].append(time.perf_counter() - began)
    return {"packages": packages} | {
        name: {"first": round(first, 4), "warm": round(statistics.median(warm), 4)}
        for name, (first, *warm) in seconds.items()
    }


def _children_memory() -> float:
    """PSS of everything this process started, in MiB."""
    kilobytes = 0
    for pid in processes.descendants(os.getpid()):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                kilobytes += int(line.split()[1])
    return round(kilobytes / 1024, 1)


if __name__ == "__main__":
    named = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    print(json.dumps(asyncio.run(measure(named)), indent=2))
