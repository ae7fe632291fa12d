"""How long it takes to list a channel of the size of conda-forge's newest half, and to search it."""

import json
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from benchmarks.bench import Bench
from benchmarks.figures import Budget, Figure
from benchmarks.statistic import median, percentile
from conda_store_shared.domain.channel_index import IndexedPackage
from conda_store_shared.testing.channel_lists import many_packages
from conda_store_shared.testing.demo_channel.server import ChannelServer

NAMES, FEW_NAMES = 38_000, 2_000
SUBDIR = "noarch"
CLIENTS = (1, 16)
# What people type, from what hardly anything has in its name to what much has; and what a page of everything is.
QUERIES: dict[str, dict[str, Any]] = {
    "all": {},
    "search=numnum": {"search": "numnum"},
    "search=py": {"search": "py"},
    "search=graph, one of each name": {"search": "graph", "distinct_on": "name", "sort_by": "name"},
}
# For one client a search may take this long, for sixteen at once as long as any filtered list.
BUDGETS = {1: Budget(value=50), 16: Budget(value=500)}


def measure(bench: Bench) -> list[Figure]:
    """One channel, listed and searched in each mode."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="conda-store-bench-") as directory:
        versions = write_channel(Path(directory), bench.repeats(NAMES, FEW_NAMES))
        with ChannelServer(Path(directory)) as channel:
            options = {"CondaStore.conda_indexed_channels": [channel.url], "CondaStore.conda_platforms": [SUBDIR]}
            for mode in bench.modes:
                with bench.suite(mode, options) as suite, httpx.Client(base_url=suite.url, timeout=60) as client:
                    seconds = wait_for_versions(client, versions)
                    figures.append(Figure(name=f"{mode}: list {versions} packages", value=seconds, unit="s"))
                    for clients in CLIENTS:
                        figures += search(f"{mode}, {clients} clients", suite.url, clients, bench.repeats(400, 40))
    return figures


def write_channel(directory: Path, names: int) -> int:
    """Write repodata of very many packages; return how many versions."""
    packages = list(many_packages(names))
    (directory / SUBDIR).mkdir()
    repodata = {"info": {"subdir": SUBDIR}, "packages": {}, "packages.conda": dict(_records(packages))}
    # At once: written piece by piece, it takes a minute longer.
    (directory / SUBDIR / "repodata.json").write_text(json.dumps(repodata))
    return len(packages)


def _records(packages: list[IndexedPackage]) -> Iterator[tuple[str, dict[str, Any]]]:
    for package in packages:
        for build in package.builds:
            yield (
                f"{package.name}-{package.version}-{build.build}.conda",
                {
                    "name": package.name,
                    "version": package.version,
                    "build": build.build,
                    "build_number": 0,
                    "depends": ["python >=3.11,<3.12.0a0", "numpy >=1.26", "requests", "attrs >=22"],
                    "md5": build.md5,
                    "sha256": build.sha256,
                    "size": build.size,
                    "license": package.license,
                    "subdir": SUBDIR,
                },
            )


def wait_for_versions(client: httpx.Client, versions: int) -> float:
    """Seconds until all are found."""
    began = time.monotonic()
    while client.get("/api/v1/package/?size=1").raise_for_status().json()["count"] < versions:
        time.sleep(0.5)
    return time.monotonic() - began


def search(name: str, url: str, clients: int, repeats: int) -> list[Figure]:
    """Ask each question so often by so many clients at once."""
    figures: list[Figure] = []
    for told, query in QUERIES.items():
        with ThreadPoolExecutor(clients) as threads:
            each = [threads.submit(_ask, url, query, repeats // clients) for _ in range(clients)]
            seconds = [second for one in each for second in one.result()]
        slow = 1000 * percentile(seconds, 99)
        figures += [
            Figure(name=f"{name}: {told}, median", value=1000 * median(seconds), unit="ms"),
            Figure(name=f"{name}: {told}, p99", value=slow, unit="ms", budget=BUDGETS[clients]),
        ]
    return figures


def _ask(url: str, query: dict[str, Any], repeats: int) -> list[float]:
    seconds: list[float] = []
    with httpx.Client(base_url=url, timeout=60) as client:
        for _ in range(repeats):
            began = time.perf_counter()
            client.get("/api/v1/package/", params=query).raise_for_status()
            seconds.append(time.perf_counter() - began)
    return seconds
