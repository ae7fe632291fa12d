"""How quickly lists are read while there is much: requests a second, latency, CPU and queries of a request."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from benchmarks.bench import Bench
from benchmarks.cpu_time import cpu_seconds
from benchmarks.figures import Budget, Figure
from benchmarks.load import Load, load
from benchmarks.queries import queries_of
from benchmarks.seed import LARGE, POPULAR, SMALL, Size, seed
from benchmarks.statistic import median, percentile
from conda_store_shared.domain.permission import RoleBinding
from conda_store_shared.testing.servers.conda_store import SECRET, CommandProcess
from conda_store_shared.testing.servers.gateway import Gateway, Upstreams
from conda_store_shared.web.tokens import Token, TokenSigner

CLIENTS = (1, 16, 64)
MEASURED_AT = 16
ENVIRONMENTS = "/api/v1/environment/"
ROUTES = {
    "environments": ENVIRONMENTS,
    "builds": "/api/v1/build/",
    "one build": "/api/v1/build/5000/",
    "packages": "/api/v1/package/?search=numpy",
}
# By what the largest lists are filtered, and what is asked for otherwise than by default.
FILTERED = {
    "environments, search=notebook-77777": f"{ENVIRONMENTS}?search=notebook-77777",
    "environments, search=notebook": f"{ENVIRONMENTS}?search=notebook",
    "environments, namespace": f"{ENVIRONMENTS}?namespace=team-0003",
    "environments, status=COMPLETED": f"{ENVIRONMENTS}?status=COMPLETED",
    "environments, status=FAILED": f"{ENVIRONMENTS}?status=FAILED",
    "environments, artifact": f"{ENVIRONMENTS}?artifact=CONDA_PACK",
    "environments, packages": f"{ENVIRONMENTS}?packages={POPULAR}",
    "builds, environment_id": "/api/v1/build/?environment_id=777",
    "builds, namespace": "/api/v1/build/?namespace=team-0003",
    "builds, status=FAILED": "/api/v1/build/?status=FAILED",
    "builds, artifact": "/api/v1/build/?artifact=LOCKFILE",
    "builds, packages": f"/api/v1/build/?packages={POPULAR}",
}
ADMINISTRATOR = (RoleBinding.parse("*/*", ["admin"]),)
DEVELOPER = tuple(RoleBinding.parse(f"{namespace}/*", ["developer"]) for namespace in ("team-0007", "team-0500"))
RATE = Budget(value=500, at_least=True)
CPU = Budget(value=1)
SLOWEST, SLOWEST_FILTERED = Budget(value=50), Budget(value=500)
# A search is filtered; for one client it has a budget of its own.
SEARCH, SLOWEST_SEARCH = ROUTES["packages"], Budget(value=50)
QUERIES = Budget(value=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Lists of one size as clients reach them; ``pids`` of whatever works for them."""

    size: Size
    url: str
    pids: Mapping[str, int]
    queries: Mapping[str, int]
    seconds: float


def measure(bench: Bench) -> list[Figure]:
    """Each route with few and with many rows; of the many rows also filtered, and for somebody who sees but some."""
    figures: list[Figure] = []
    for size in (SMALL,) if bench.quick else (SMALL, LARGE):
        with _served(bench, size) as served:
            for name, target in ROUTES.items():
                figures += _route(served, name, target)
            if size is LARGE:
                figures += [
                    _slowest(served, f"{name} of two namespaces", ROUTES[name], SLOWEST, DEVELOPER)
                    for name in ("environments", "builds")
                ]
                figures += [_slowest(served, *filtered, SLOWEST_FILTERED) for filtered in FILTERED.items()]
    return figures


def _route(served: Served, name: str, target: str) -> list[Figure]:
    where, is_budgeted = f"{served.size}: {name}", (served.size, target) == (SMALL, ENVIRONMENTS)
    figures = [Figure(name=f"{where}, queries a request", value=served.queries[target], unit="queries", budget=QUERIES)]
    for clients in CLIENTS:
        _load(served, target, clients, served.seconds / 4)
        before = cpu_seconds(served.pids)
        loaded = _load(served, target, clients, served.seconds)
        used = _cpu_of_a_request(before, cpu_seconds(served.pids), len(loaded.seconds))
        budget = None
        if clients == MEASURED_AT:
            budget = SLOWEST_FILTERED if target == SEARCH else SLOWEST
        elif clients == 1 and target == SEARCH:
            budget = SLOWEST_SEARCH
        figures.append(_latency(f"{where}, {clients} clients", loaded, budget))
        if clients == MEASURED_AT:
            rate, cpu = (RATE, CPU) if is_budgeted else (None, None)
            figures += [
                Figure(name=f"{where}, {clients} clients", value=loaded.rate, unit="requests/s", budget=rate),
                Figure(name=f"{where}, CPU of api a request", value=used["api"], unit="ms", budget=cpu, details=used),
            ]
    return figures


def _latency(name: str, loaded: Load, budget: Budget | None) -> Figure:
    seconds = loaded.seconds
    details = {"rate": round(loaded.rate), "median": round(1000 * median(seconds), 1), "requests": len(seconds)}
    slow = 1000 * percentile(seconds, 99)
    return Figure(name=f"{name}, p99", value=slow, unit="ms", budget=budget, details=details)


def _slowest(
    served: Served, name: str, target: str, budget: Budget, bindings: tuple[RoleBinding, ...] = ADMINISTRATOR
) -> Figure:
    """The latency of a request that is made in earnest, the first of its kind included."""
    loaded = _load(served, target, MEASURED_AT, served.seconds, bindings)
    return _latency(f"{served.size}: {name}, {MEASURED_AT} clients", loaded, budget)


def _load(
    served: Served, target: str, clients: int, seconds: float, bindings: tuple[RoleBinding, ...] = ADMINISTRATOR
) -> Load:
    return load(served.url, [target], _token(bindings), clients=clients, seconds=seconds)


def _cpu_of_a_request(before: Mapping[str, float], after: Mapping[str, float], requests: int) -> dict[str, float]:
    return {name: round(1000 * (after[name] - before[name]) / requests, 3) for name in after}


def _token(bindings: tuple[RoleBinding, ...]) -> str:
    expiration = datetime.now(UTC) + timedelta(hours=1)
    return TokenSigner(SECRET).sign(Token(expiration=expiration, primary_namespace="bench", bindings=bindings))


@contextmanager
def _served(bench: Bench, size: Size) -> Iterator[Served]:
    """The api behind the gateway, on a database that is full; the other services would have nothing to do."""
    backing, directory = bench.backing(), bench.directory()
    seed(backing.database_url, size)
    targets = [*ROUTES.values(), *FILTERED.values()]
    queries = queries_of(targets, _token(ADMINISTRATOR), backing.database_url, directory / "objects")
    options = {
        **backing.options(),
        "CondaStore.store_directory": str(directory / "state"),
        "CondaStore.conda_indexed_channels": [],
        "CondaStoreServer.log_level": "INFO",
    }
    with (
        CommandProcess(("conda-store-api",), options) as api,
        Gateway(Upstreams(api=api.port, auth=api.port, artifacts=api.port)) as gateway,
    ):
        pids = {"api": api.pid, "gateway": gateway.pid, **bench.server_pids()}
        yield Served(size=size, url=gateway.url, pids=pids, queries=queries, seconds=bench.repeats(4, 1))
