"""The same work without the suite: py-rattler solves and installs, our function writes the lockfile, nothing else."""

import asyncio
import multiprocessing
import os
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from rattler import Gateway, GenericVirtualPackage, MatchSpec, PackageName, RepoDataRecord, Version, install, solve
from rattler.package import BuildString

from benchmarks.bench import Bench
from conda_store_shared.conda.virtual_packages import virtual_packages
from conda_store_shared.config.conda_store import current_platform
from conda_store_shared.domain.specification import Specification
from conda_store_solver.adapters.conda_lock_writer import LockSource, write_lock
from conda_store_solver.domain.packages import CondaPackage, PlatformSolution

TIMEOUT = 120.0
_gateways: dict[Path, Gateway] = {}
_loop = asyncio.new_event_loop()


class BareBuilds:
    """Builds in ``processes`` warm child processes, sharing one package cache."""

    def __init__(self, channel: str, dependencies: Sequence[str], directory: Path, processes: int) -> None:
        self._work = (channel, tuple(dependencies), directory)
        self._processes = processes
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(processes, mp_context=context)

    def one(self) -> float:
        """Seconds of one build, without the way to the child and back."""
        return self._pool.submit(build, *self._work).result(timeout=TIMEOUT)[0]

    def warm_up(self) -> None:
        """Fill the caches, in every process."""
        for _ in range(2):
            self.many(2 * self._processes)

    def many(self, count: int) -> tuple[float, float]:
        """Seconds for ``count`` builds on all processes, and CPU seconds of one of them."""
        began = time.perf_counter()
        started = [self._pool.submit(build, *self._work) for _ in range(count)]
        used = [one.result(timeout=TIMEOUT)[1] for one in started]
        return time.perf_counter() - began, sum(used) / count

    def close(self) -> None:
        """End the processes."""
        self._pool.shutdown(cancel_futures=True)


@contextmanager
def bare_builds(bench: Bench, dependencies: Sequence[str], processes: int = 1) -> Iterator[BareBuilds]:
    """BareBuilds in a fresh directory."""
    builds = BareBuilds(bench.channel.url, dependencies, bench.directory(), processes)
    try:
        yield builds
    finally:
        builds.close()


def build(channel: str, dependencies: tuple[str, ...], directory: Path) -> tuple[float, float]:
    """One build in this process; returns its seconds, and those of CPU.

    The prefix is left behind, as one of the suite's would be.
    """
    began, used = time.perf_counter(), time.process_time()
    _loop.run_until_complete(_build(channel, dependencies, directory))
    return time.perf_counter() - began, time.process_time() - used


async def _build(channel: str, dependencies: tuple[str, ...], directory: Path) -> None:
    platform = current_platform()
    gateway = _gateways.setdefault(directory, Gateway(cache_dir=directory / f"repodata-{os.getpid()}"))
    provided = virtual_packages(platform)
    records = await solve(
        [channel],
        [MatchSpec(text) for text in dependencies],
        gateway=gateway,
        platforms=[platform, "noarch"],
        virtual_packages=[
            GenericVirtualPackage(PackageName(one.name), Version(one.version), BuildString(one.build or "0"))
            for one in provided
        ],
    )
    source = LockSource(
        specification=Specification.from_value(
            {"name": "bare", "channels": [channel], "dependencies": list(dependencies)}
        ),
        channels=[channel],
        platforms=[platform],
        virtual_packages={platform: provided},
    )
    write_lock(source, [PlatformSolution(platform=platform, conda=tuple(map(_package, records)))])
    prefix = directory / uuid.uuid4().hex
    await install(records, target_prefix=prefix, cache_dir=directory / "packages", show_progress=False)


def _package(record: RepoDataRecord) -> CondaPackage:
    return CondaPackage(
        name=str(record.name.normalized),
        version=str(record.version),
        build=str(record.build),
        url=record.url,
        md5=record.md5.hex() if record.md5 else "",
        sha256=record.sha256.hex() if record.sha256 else None,
        depends=tuple(record.depends),
    )
