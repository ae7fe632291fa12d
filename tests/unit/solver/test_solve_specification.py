"""The use case: order in, lockfile in the object store, and the same word when asked again."""

import dataclasses
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from conda_store_shared.child.report import Report
from conda_store_shared.contracts.events import SolveRequested
from conda_store_shared.domain.canonical import sha256_hex
from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.domain.order import Order, PrefixOrder, SolveOrder
from conda_store_shared.domain.prefix_record import InstalledPackage
from conda_store_shared.domain.stage import Attempt
from conda_store_shared.errors import StageFailure
from conda_store_shared.storage.filesystem import FilesystemStore
from conda_store_solver.use_cases.solve_specification import SolveTools, solve_specification

KEY = "0a1b2c3d-1767225600-7-demo"
STORED_AT = f"lockfile/{KEY}.yml"
URL = "https://c.example/forge/noarch/a-1-0.conda"


class Context:
    """An attempt that keeps what is said."""

    stage = "solve"
    attempt = Attempt(attempt_id="attempt-1", started_at=datetime(2026, 1, 1, tzinfo=UTC))

    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, text: str) -> None:
        self.lines.append(text)

    def progress(self, done: int, total: int, unit: str) -> None:
        """Of no interest here."""


class FixedSolver:
    """Finds the same lockfile for everything, and counts."""

    def __init__(self, value: Mapping[str, Any]) -> None:
        self.lockfile = Lockfile.from_value(value)
        self.calls = 0

    async def solve(self, order: SolveOrder, report: Report) -> Lockfile:
        self.calls += 1
        return self.lockfile

    async def find_packages(self, order: SolveOrder, report: Report) -> tuple[InstalledPackage, ...]:
        raise NotImplementedError


def a_lockfile(*, url: str = URL, manager: str = "conda", **hashes: str) -> dict[str, Any]:
    package = {
        "name": "a", "version": "1", "manager": manager, "platform": "linux-64", "dependencies": {}, "url": url,
        "hash": hashes or {"md5": "0" * 32}, "category": "main", "optional": False,
    }  # fmt: skip
    metadata = {"content_hash": {}, "channels": [], "platforms": ["linux-64"], "sources": []}
    return {"version": 1, "metadata": metadata, "package": [package]}


def an_order(**solve: Any) -> Order:
    return Order(
        build_id=7,
        build_key=KEY,
        namespace="default",
        environment="demo",
        solve=SolveOrder(
            **{
                "specification": {"name": "demo", "channels": ["forge"], "dependencies": ["a"]},
                "channels": ("https://c.example/forge",),
                "platforms": ("linux-64",),
                "deadline": 60,
                **solve,
            }
        ),
        prefix=PrefixOrder(
            platform="linux-64", path="/x", link=None, uid=None, gid=None, permissions=None, deadline=60
        ),
        artifacts=(),
        artifact_deadline=60,
    )


class Bench:
    """A store, a solver, and the use case between them."""

    def __init__(self, store: FilesystemStore) -> None:
        self.store = store
        self.solver = FixedSolver(a_lockfile())
        self.context = Context()

    async def put(self, order: Order) -> SolveRequested:
        await self.store.put(f"order/{KEY}.json", order.to_bytes(), "application/json")
        return SolveRequested(build_id=7, build_key=KEY, order_digest=order.digest)

    async def solve(self, request: SolveRequested) -> str:
        tools = SolveTools(store=self.store, solver=self.solver)
        fact = await solve_specification(request, self.context, tools)
        assert (fact.build_id, fact.build_key, fact.stage, fact.attempt_id) == (7, KEY, "solve", "attempt-1")
        return fact.lockfile_digest

    async def stored(self) -> bytes:
        return await self.store.get(STORED_AT, 10_000)


@pytest.fixture
async def bench(tmp_path: Path) -> Any:
    async with FilesystemStore(tmp_path) as store:
        yield Bench(store)


async def test_solver_stores_the_lockfile_and_names_its_digest(bench: Bench) -> None:
    digest = await bench.solve(await bench.put(an_order()))
    content = await bench.stored()
    assert digest == sha256_hex(content) == bench.solver.lockfile.digest
    assert content == json.dumps(a_lockfile(), indent=4).encode()


async def test_solver_says_the_same_again_when_the_request_is_repeated(bench: Bench) -> None:
    request = await bench.put(an_order())
    assert await bench.solve(request) == await bench.solve(request)
    assert bench.solver.calls == 1


async def test_solver_never_replaces_a_lockfile_when_another_solve_would_find_a_different_one(bench: Bench) -> None:
    request = await bench.put(an_order())
    digest = await bench.solve(request)
    bench.solver = FixedSolver(a_lockfile(url=URL.replace("a-1", "a-2")))
    assert await bench.solve(request) == digest


async def test_solver_solves_again_when_the_stored_lockfile_is_not_whole(bench: Bench) -> None:
    request = await bench.put(an_order())
    await bench.store.put(STORED_AT, b'{"version": 1', "application/json")
    assert await bench.solve(request) == bench.solver.lockfile.digest


async def test_solver_fails_for_now_when_the_order_is_missing(bench: Bench) -> None:
    request = SolveRequested(build_id=7, build_key=KEY, order_digest="0" * 64)
    with pytest.raises(StageFailure, match="order of build 7") as failure:
        await bench.solve(request)
    assert (failure.value.cause, failure.value.transient) == ("input_missing", True)


async def test_solver_fails_for_now_when_the_order_is_another_one(bench: Bench) -> None:
    request = dataclasses.replace(await bench.put(an_order()), order_digest="0" * 64)
    with pytest.raises(StageFailure, match="not the one the request names"):
        await bench.solve(request)
    assert bench.solver.calls == 0


@pytest.mark.parametrize(
    "lockfile",
    [
        a_lockfile(),
        a_lockfile(sha256="0" * 64),
        a_lockfile(manager="pip", url="https://i.example/a-1-py3-none-any.whl", sha256="0" * 64),
    ],
)
async def test_solver_keeps_a_submitted_lockfile_as_it_is(bench: Bench, lockfile: dict[str, Any]) -> None:
    await bench.solve(await bench.put(an_order(lockfile=lockfile, allowed_channels=("https://c.example/forge",))))
    assert json.loads(await bench.stored()) == lockfile
    assert bench.solver.calls == 0


@pytest.mark.parametrize(
    ("lockfile", "cause"),
    [
        ({"version": 2, "metadata": {}, "package": []}, "invalid_lockfile"),
        ({"package": []}, "invalid_lockfile"),
        (a_lockfile(other="x"), "invalid_lockfile"),
        (a_lockfile(url="https://c.example/other/noarch/a-1-0.conda"), "channel_not_allowed"),
        (a_lockfile(url="https://c.example/forge/../other/noarch/a-1-0.conda"), "channel_not_allowed"),
        (a_lockfile(manager="pip", url="file:///etc/passwd", sha256="0" * 64), "invalid_lockfile"),
    ],
)
async def test_solver_refuses_a_submitted_lockfile_when_it_is_bad(
    bench: Bench, lockfile: dict[str, Any], cause: str
) -> None:
    request = await bench.put(an_order(lockfile=lockfile, allowed_channels=("https://c.example/forge",)))
    with pytest.raises(StageFailure) as failure:
        await bench.solve(request)
    assert (failure.value.cause, failure.value.transient) == (cause, False)
    assert await bench.store.head(STORED_AT) is None


async def test_solver_refuses_a_submitted_lockfile_when_it_lacks_the_platform(bench: Bench) -> None:
    request = await bench.put(an_order(lockfile=a_lockfile(), platforms=("osx-arm64",)))
    with pytest.raises(StageFailure, match="not for osx-arm64; it is for: linux-64"):
        await bench.solve(request)
