"""Archive and image of a prefix of one gigabyte: memory of artifacts with all its children, at its highest."""

import asyncio
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from rattler.index import index_fs

from benchmarks.artifacts import KINDS, artifact_suite, make
from benchmarks.bench import DISTRIBUTED, Bench
from benchmarks.customer import Customer
from benchmarks.figures import Budget, Figure
from benchmarks.stage_times import stage_seconds
from conda_store_shared.testing.demo_channel.conda_archive import CondaPackage, PackagedFile, write_conda_archive
from conda_store_shared.testing.demo_channel.server import ChannelServer

MEMORY = 150.0
_PACKAGES, _FILES, _FILE_BYTES = 8, 4, 32 * 1024 * 1024
# As compressible as programs are: half of it noise.
_NOISE, _FILLER = 512, bytes(512)
_LOOK_EVERY = 0.05


def measure(bench: Bench) -> list[Figure]:
    """Both kinds, each with nothing made before; the seconds are those of the stage."""
    channel = bench.directory()
    names = list(_write_channel(channel))
    figures: list[Figure] = []
    with ChannelServer(channel) as server:
        for artifact_type, kind in KINDS.items():
            with (
                artifact_suite(bench, DISTRIBUTED, artifact_type) as suite,
                Customer(suite.url, server.url, patience=600) as customer,
                _highest_memory(suite.processes["artifacts"].pid) as highest,
            ):
                made = make(customer, names, artifact_type)
                seconds = stage_seconds(suite, [made.build_id])[f"artifact.{artifact_type}"][0]
            figures += [
                Figure(name=f"1 GB prefix: memory of artifacts for the {kind}", value=max(highest), unit="MB",
                       budget=Budget(value=MEMORY)),
                Figure(name=f"1 GB prefix: {kind}", value=seconds, unit="s"),
            ]  # fmt: skip
    return figures


def _write_channel(channel: Path) -> Iterator[str]:
    chance = random.Random(5)
    for number in range(_PACKAGES):
        files = []
        for file in range(_FILES):
            blocks = _FILE_BYTES // (_NOISE + len(_FILLER))
            content = b"".join(chance.randbytes(_NOISE) + _FILLER for _ in range(blocks))
            files.append(PackagedFile(path=f"lib/large-{number}-{file}.bin", source=content))
        package = CondaPackage(name=f"large-{number}", version="1.0", build="0", subdir="linux-64", files=tuple(files))
        write_conda_archive(package, channel)
        yield package.name
    asyncio.run(index_fs(channel))


@contextmanager
def _highest_memory(pid: int) -> Iterator[list[float]]:
    """MB of a process and all below it; filled while the context is entered."""
    seen: list[float] = [0.0]
    over = threading.Event()

    def look() -> None:
        while not over.wait(_LOOK_EVERY):
            seen.append(_memory(pid))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


def _memory(pid: int) -> float:
    total = 0
    try:
        parent = psutil.Process(pid)
        for member in (parent, *parent.children(recursive=True)):
            total += member.memory_full_info().pss
    except psutil.NoSuchProcess:
        # A child that ends while it is looked at is counted the next time, or not at all.
        return 0.0
    return total / 1e6
