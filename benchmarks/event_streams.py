"""Streams of events: from COMPLETED to a reader, and what two thousand readers of one process cost."""

import asyncio
import itertools
from collections.abc import Sequence

import httpx
import psutil
import uvloop

from benchmarks.bench import SMALL, STANDALONE, Bench
from benchmarks.cpu_time import cpu_seconds
from benchmarks.customer import Customer
from benchmarks.figures import Budget, Figure
from benchmarks.statistic import median, percentile, rounded
from benchmarks.stream_readers import Arrival, StreamReaders
from conda_store_shared.testing.servers.conda_store import Suite

_STREAM = "/api/v1/event/stream/"
_COMPLETED_BUDGET = Budget(value=50.0)
_READERS = 2000
_OPTIONS = {"CondaStore.build_artifacts": ["LOCKFILE"]}
_names = (f"streamed-{number}" for number in itertools.count(1))


def measure(bench: Bench) -> list[Figure]:
    """Builds for one reader, then namespaces for many, each event to all of them or to a single one."""
    figures: list[Figure] = []
    for mode in bench.modes:
        with bench.suite(mode, _OPTIONS) as suite, Customer(suite.url, bench.channel.url) as customer:
            figures += uvloop.run(_completed(bench, mode, suite, customer))
            figures += uvloop.run(_many(bench, mode, suite, customer))
    return figures


async def _completed(bench: Bench, mode: str, suite: Suite, customer: Customer) -> list[Figure]:
    """Through the gateway, as users read."""
    async with StreamReaders(suite.url, customer.token(), [f"{_STREAM}?type=build.completed"]) as readers:
        customer.follow(customer.submit(SMALL))
        await readers.arrivals(1)
        arrivals: list[Arrival] = []
        for _ in range(bench.repeats(40, 5)):
            customer.submit(SMALL)
            arrivals += await readers.arrivals(1)
    return _latency(f"{mode}: COMPLETED to a reader of events", arrivals, _COMPLETED_BUDGET)


async def _many(bench: Bench, mode: str, suite: Suite, customer: Customer) -> list[Figure]:
    """Of one process itself: of everything, so that each event is for all; then each of a namespace of its own."""
    count, token = bench.repeats(_READERS, 200), customer.token()
    process = suite.processes["standalone" if mode == STANDALONE else "api"]
    url, name = f"http://127.0.0.1:{process.port}", f"{mode}: {count} open streams"
    before = _memory(process.pid)
    async with StreamReaders(url, token, [_STREAM] * count) as readers:
        each = 1000 * (_memory(process.pid) - before) / count
        idle = await _idle(process.pid, bench.repeats(20, 2))
        to_all = await _tell(suite, token, readers, [next(_names) for _ in range(bench.repeats(20, 3))], count)
    names = [next(_names) for _ in range(count)]
    async with StreamReaders(url, token, [f"{_STREAM}?namespace={name}" for name in names]) as readers:
        to_one = await _tell(suite, token, readers, names[: bench.repeats(100, 10)], 1)
    return [
        Figure(name=f"{name}, memory of each", value=each, unit="kB"),
        Figure(name=f"{name}, processor when nothing happens", value=100 * idle, unit="% of a core"),
        *_latency(f"{name}, an event for all", to_all),
        *_latency(f"{name}, an event for one", to_one),
    ]


async def _idle(pid: int, seconds: int) -> float:
    """Processor seconds a second; in twenty seconds every reader is sent a comment."""
    before = cpu_seconds({"api": pid})["api"]
    await asyncio.sleep(seconds)
    return (cpu_seconds({"api": pid})["api"] - before) / seconds


async def _tell(
    suite: Suite, token: str, readers: StreamReaders, names: Sequence[str], count: int
) -> list[Arrival]:
    """Make namespaces, each of which so many readers are told of."""
    arrivals: list[Arrival] = []
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=suite.url, headers=headers, trust_env=False) as client:
        for name in names:
            (await client.post(f"/api/v1/namespace/{name}/")).raise_for_status()
            arrivals += await readers.arrivals(count)
    return arrivals


def _latency(name: str, arrivals: Sequence[Arrival], budget: Budget | None = None) -> list[Figure]:
    seconds = [arrival.seconds for arrival in arrivals]
    details = {"count": len(seconds), "slowest": rounded([max(seconds)])[0]}
    return [
        Figure(name=f"{name}, median", value=1000 * median(seconds), unit="ms", budget=budget, details=details),
        Figure(name=f"{name}, p99", value=1000 * percentile(seconds, 99), unit="ms"),
    ]


def _memory(pid: int) -> float:
    """PSS of a process in MB."""
    return float(psutil.Process(pid).memory_full_info().pss / 1e6)
