"""How quickly the object store takes a large object, with nothing else to do."""

import asyncio
import os
import time

from traitlets.config import Config

from benchmarks.bench import Bench
from benchmarks.statistic import median
from conda_store_shared.assembly.object_storage import open_store

_BYTES = 64 * 1024 * 1024


def measure_upload_rate(bench: Bench) -> float:
    """Bytes a second of uploads through our own client; the median of five."""
    path = bench.directory() / "object"
    path.write_bytes(os.urandom(_BYTES))

    async def upload(config: Config) -> list[float]:
        seconds = []
        async with open_store(config) as store:
            for number in range(5):
                began = time.perf_counter()
                await store.put_file(f"upload/{number}", path, "application/octet-stream")
                seconds.append(time.perf_counter() - began)
        return seconds

    config = Config()
    for name, value in bench.backing().options().items():
        section, _, option = name.partition(".")
        config[section][option] = value
    return _BYTES / median(asyncio.run(upload(config)))
