"""A service that holds a pool with a busy child, and waits to be killed; prints the process ids first."""

import asyncio
import os
import sys
from pathlib import Path

import structlog

from conda_store_shared.child.pool import ChildCall, ChildPool, PoolOptions


class Shout:
    """Says when the child's work is under way."""

    def __init__(self, pool: ChildPool) -> None:
        self._pool = pool

    def log(self, text: str) -> None:
        stats = self._pool.stats()
        os.write(1, " ".join(map(str, (stats.zygote, *stats.busy, *stats.idle))).encode() + b"\n")

    def progress(self, done: int, total: int, unit: str) -> None:
        pass


async def main() -> None:
    options = PoolOptions(spares=2, environment={"PYTHONPATH": str(Path(__file__).parent)})
    async with ChildPool(options) as pool:
        await pool.call(ChildCall(function="child_functions:add", arguments={"numbers": []}, timeout=60))
        while len(pool.stats().idle) < options.spares:  # noqa: ASYNC110 - the pool tells only when asked
            await asyncio.sleep(0.005)
        await pool.call(ChildCall(function="child_functions:sleep", arguments={}, timeout=60), Shout(pool))


structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
sys.exit(asyncio.run(main()))
