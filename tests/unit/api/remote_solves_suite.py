"""Solving for somebody who waits: on every database (contract §1.4, design §4)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from conda_store_api.adapters.called_hooks import HookOptions
from conda_store_api.config import ApiOptions
from conda_store_api.domain.policy import LedgerOptions
from conda_store_api.main import Parts, build
from conda_store_api.use_cases.forget_solves import forget_solves
from conda_store_api.use_cases.ledger.stage_failed import RetryPolicy
from conda_store_api.use_cases.solve_remotely import RemoteSolveTools
from conda_store_shared.assembly.process import Process, make_application
from conda_store_shared.bus.backoff import Backoff
from conda_store_shared.bus.consumer import Patience
from conda_store_shared.bus.memory import MemoryBus, MemoryOptions
from conda_store_shared.bus.port import Subscription
from conda_store_shared.compat.specification import CondaSpecification
from conda_store_shared.config.server import CondaStoreServer
from conda_store_shared.contracts.envelope import Envelope
from conda_store_shared.contracts.events import SolveAnswered, SolveCanceled, SolveRequested
from conda_store_shared.contracts.topology import SOLVER, queue_name
from conda_store_shared.db.models import CondaPackage, RemoteSolve
from conda_store_shared.domain.canonical import sha256_hex
from conda_store_shared.domain.order import SolveOrder
from conda_store_shared.domain.prefix_record import InstalledPackage
from conda_store_shared.domain.solved_packages import write_packages
from conda_store_shared.domain.storage_keys import solve_answer_key, solve_order_key
from conda_store_shared.errors import CondaStoreError, NotFound
from conda_store_shared.web.authentication import AuthorizationOptions
from conda_store_shared.worker.reporter import publish_until_taken
from tests.unit.api.api_client import CALLERS
from tests.unit.api.ledger_builders import Ledger, a_package, a_policy

PATH = "/api/v1/specification/"
QUERY = {"channel": "conda-forge", "conda": ["numpy >=1", "python"]}
DEVELOPER = {"Authorization": "Bearer developer"}
SOON = Patience(crashed=Backoff(first=0.001, longest=0.001))


@dataclass
class Solver:
    """Stands in for the solvers: answers every request as told, or, told nothing, never."""

    ledger: Ledger
    packages: Sequence[InstalledPackage] = ()
    failure: SolveAnswered | None = None
    crashes: bool = False
    silent: bool = False
    orders: list[SolveOrder] = field(default_factory=list)
    canceled: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    requested: asyncio.Event = field(default_factory=asyncio.Event)

    def subscriptions(self, bus: MemoryBus) -> list[Subscription]:
        async def on_requested(envelope: Envelope) -> None:
            assert isinstance(envelope.event, SolveRequested)
            self.requested.set()
            if self.crashes:
                raise RuntimeError("the solver crashed")
            if not self.silent:
                await publish_until_taken(bus, SOLVER, envelope, await self.answer(envelope.event.solve_id))

        async def on_canceled(envelope: Envelope) -> None:
            assert isinstance(envelope.event, SolveCanceled)
            await self.canceled.put(envelope.event.solve_id)

        return [
            Subscription(queue=queue_name(SOLVER, SolveRequested), handler=on_requested, concurrency=4),
            Subscription(event=SolveCanceled, handler=on_canceled),
        ]

    async def answer(self, solve_id: str) -> SolveAnswered:
        """Put the answer to a request, and say so."""
        self.orders.append(SolveOrder.from_bytes(await self.ledger.store.get(solve_order_key(solve_id), 2**20)))
        if self.failure is not None:
            return replace(self.failure, solve_id=solve_id)
        content = write_packages(self.packages)
        await self.ledger.store.put(solve_answer_key(solve_id), content, "application/json")
        return SolveAnswered(solve_id=solve_id, answer_digest=sha256_hex(content))


@dataclass
class Running:
    """The service at work, a stand-in for the solvers, and a client."""

    client: httpx.AsyncClient
    application: Any
    bus: MemoryBus

    async def solve(self, headers: dict[str, str] | None = DEVELOPER, **query: Any) -> httpx.Response:
        return await self.client.get(PATH, params={**QUERY, **query}, headers=headers)


@asynccontextmanager
async def running_api(ledger: Ledger, solver: Solver | None, **options: Any) -> AsyncIterator[Running]:
    """Run everything of the service."""
    bus = MemoryBus(MemoryOptions(duplicates=0.3, seed=1, patience=SOON, delivery_limit=2))
    settings = {"conda_indexed_channels": [], **options.pop("settings", {})}
    service = build(
        ApiOptions(
            policy=a_policy(**settings),
            ledger=LedgerOptions(rescue_interval=1),
            retry=RetryPolicy(),
            authorization=AuthorizationOptions(secret="s" * 32, predefined_tokens=CALLERS),
            **options,
        ),
        Parts(bus=bus, store=ledger.store, database=ledger.database),
    )
    for subscription in [*service.subscriptions, *(solver.subscriptions(bus) if solver else [])]:
        bus.subscribe(subscription)
    application = make_application(Process(services=[service], bus=bus), CondaStoreServer())
    transport = httpx.ASGITransport(application)
    tasks = [asyncio.ensure_future(part()) for part in (bus.run, *service.background)]
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://conda-store.example", timeout=30) as client:
            yield Running(client, application, bus)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def nothing_is_left(ledger: Ledger) -> None:
    """No remote solve is waited for any more."""
    async with ledger.database.session() as session:
        assert await session.scalar(select(func.count()).select_from(RemoteSolve)) == 0


async def no_order_is_left(ledger: Ledger, solve_id: str) -> None:
    """A solver that comes late finds nothing to do."""
    with pytest.raises(NotFound):
        await ledger.store.get(solve_order_key(solve_id), 2**20)


class RemoteSolvesSuite:
    """Suites below run on the ledger of their directory."""

    async def test_caller_gets_the_packages_that_the_solver_found(self, ledger: Ledger) -> None:
        solver = Solver(ledger, packages=[a_package("numpy", "2.0"), a_package("python", "3.12")])
        async with running_api(ledger, solver) as api:
            answer = await api.solve(pip="requests")
            assert answer.status_code == 200, answer.text
            assert answer.json().keys() == {"solve"}
            rows = answer.json()["solve"]
            again = (await api.solve()).json()["solve"]
        assert again == rows
        assert {row["name"]: row["version"] for row in rows} == {"numpy": "2.0", "python": "3.12"}
        assert rows[0] == {
            "name": rows[0]["name"], "version": rows[0]["version"],
            "channel": {
                "id": rows[0]["channel_id"], "name": "https://conda.anaconda.org/conda-forge", "last_update": None,
            },
            "id": rows[0]["id"], "package_id": rows[0]["package_id"], "channel_id": rows[0]["channel_id"],
            "build": "h1_0", "build_number": 0, "constrains": [], "depends": ["libc"], "md5": "m", "sha256": "s" * 64,
            "size": 10, "subdir": "linux-64", "timestamp": None,
        }  # fmt: skip
        async with ledger.database.session() as session:
            packages = select(CondaPackage.name).where(CondaPackage.id.in_([row["package_id"] for row in rows]))
            assert set(await session.scalars(packages)) == {"numpy", "python"}
        order = solver.orders[0]
        assert order.specification["dependencies"] == ["numpy >=1", "python", {"pip": ["requests"]}]
        assert order.channels == ("https://conda.anaconda.org/conda-forge",)
        await nothing_is_left(ledger)

    @pytest.mark.parametrize(
        ("code", "transient", "status"),
        [
            ("unsatisfiable", False, 400),
            ("channel_not_found", False, 400),
            ("pip_failed", False, 400),
            ("channel_unreachable", True, 400),
            ("worker_lost", True, 503),
            ("timeout", False, 504),
            ("internal_error", False, 503),
        ],
    )
    async def test_caller_is_told_what_the_solver_says(
        self, ledger: Ledger, code: str, transient: bool, status: int
    ) -> None:
        failure = SolveAnswered(solve_id="", code=code, detail="the very words\nof the solver", transient=transient)
        async with running_api(ledger, Solver(ledger, failure=failure)) as api:
            answer = await api.solve()
        assert answer.status_code == status
        assert answer.json()["status"] == "error"
        assert "the very words\nof the solver" in answer.json()["message"]
        await nothing_is_left(ledger)

    async def test_caller_is_told_when_it_takes_too_long(self, ledger: Ledger) -> None:
        solver = Solver(ledger, silent=True)
        async with running_api(ledger, solver, settings={"conda_max_solve_time": 1}) as api:
            answer = await api.solve()
            assert answer.status_code == 504
            assert "1 seconds" in answer.json()["message"]
            await no_order_is_left(ledger, await asyncio.wait_for(solver.canceled.get(), 10))
        await nothing_is_left(ledger)

    async def test_work_is_stopped_when_the_caller_leaves(self, ledger: Ledger) -> None:
        solver = Solver(ledger, silent=True)
        async with running_api(ledger, solver) as api:
            sent: list[Any] = []
            received = [{"type": "http.request", "body": b"", "more_body": False}]

            async def receive() -> Any:
                if received:
                    return received.pop()
                await solver.requested.wait()
                return {"type": "http.disconnect"}

            async def send(message: Any) -> None:
                sent.append(message)

            scope = {
                "type": "http", "http_version": "1.1", "method": "GET", "path": PATH, "raw_path": PATH.encode(),
                "query_string": b"channel=conda-forge&conda=numpy", "scheme": "http", "server": ("here", 80),
                "headers": [(b"authorization", b"Bearer developer")], "client": ("there", 1), "root_path": "",
            }  # fmt: skip
            async with asyncio.timeout(10):
                await api.application(scope, receive, send)
                await no_order_is_left(ledger, await solver.canceled.get())
        assert sent == []
        await nothing_is_left(ledger)

    async def test_caller_is_told_at_once_when_no_solver_runs(self, ledger: Ledger) -> None:
        async with running_api(ledger, None) as api:
            answer = await api.solve()
        assert answer.status_code == 503
        assert "no solver" in answer.json()["message"]
        assert "retry-after" in answer.headers
        await nothing_is_left(ledger)

    async def test_caller_is_told_when_every_solver_dies_of_it(self, ledger: Ledger) -> None:
        async with running_api(ledger, Solver(ledger, crashes=True)) as api:
            answer = await api.solve()
        assert answer.status_code == 503
        assert "without a word" in answer.json()["message"]

    @pytest.mark.parametrize(
        ("query", "status", "told"),
        [
            ({"conda": "numpy == = 1"}, 400, "Invalid conda package dependency specification numpy == = 1"),
            ({"pip": "not a requirement"}, 400, "Invalid pypi package dependency"),
            ({"channel": "bioconda"}, 400, "Conda channels {'https://conda.anaconda.org/bioconda'} not allowed"),
            ({"channel": "ftp://c.example"}, 400, "not allowed"),
            ({"channel": "https://hunter2@c.example/x"}, 400, "channel https://c.example/x is written with a"),
            ({"format": "toml"}, 422, "format"),
        ],
    )
    async def test_specification_is_checked_as_for_a_build(
        self, ledger: Ledger, query: dict[str, Any], status: int, told: str
    ) -> None:
        solver = Solver(ledger)
        async with running_api(ledger, solver, settings={"conda_allowed_channels": ["conda-forge"]}) as api:
            answer = await api.solve(**query)
        assert answer.status_code == status
        assert told in answer.text
        assert "hunter2" not in answer.text
        assert solver.orders == []

    async def test_settings_complete_what_is_solved(self, ledger: Ledger) -> None:
        solver = Solver(ledger)
        settings = {"conda_default_channels": ["main"], "conda_included_packages": ["ipykernel"]}
        async with running_api(ledger, solver, settings=settings) as api:
            assert (await api.solve(channel=[], format="lockfile")).status_code == 200
        assert solver.orders[0].channels == ("https://conda.anaconda.org/main",)
        assert "ipykernel" in solver.orders[0].specification["dependencies"]

    async def test_hooks_are_asked_about_what_is_solved(self, ledger: Ledger) -> None:
        solver, asked = Solver(ledger), []

        def validate(namespace: str, specification: CondaSpecification) -> CondaSpecification:
            asked.append(namespace)
            specification.dependencies.append("ipykernel")
            return specification

        async def refuse(namespace: str, action: str) -> None:
            asked.append(f"{namespace} {action}")
            if len(asked) > 2:
                raise CondaStoreError("enough")

        hooks = HookOptions(validate_specification=validate, validate_action=refuse)
        async with running_api(ledger, solver, hooks=hooks) as api:
            assert (await api.solve()).status_code == 200
            refused = await api.solve()
        assert (refused.status_code, refused.json()["message"]) == (400, "enough")
        assert asked == ["solve environment::solve", "solve", "solve environment::solve"]
        assert solver.orders[0].specification["dependencies"] == ["numpy >=1", "python", "ipykernel"]

    @pytest.mark.parametrize(("caller", "status"), [(None, 403), ("viewer", 403), ("stranger", 403), ("admin", 200)])
    async def test_solving_takes_a_permission(self, ledger: Ledger, caller: str | None, status: int) -> None:
        headers = {"Authorization": f"Bearer {caller}"} if caller else {}
        async with running_api(ledger, Solver(ledger)) as api:
            assert (await api.solve(headers)).status_code == status

    async def test_solving_is_for_everybody_when_the_deployment_says_so(self, ledger: Ledger) -> None:
        async with running_api(ledger, Solver(ledger), anonymous_solve=True) as api:
            assert (await api.solve({})).json() == {"solve": []}

    async def test_solve_is_forgotten_when_whoever_waited_is_gone(self, ledger: Ledger) -> None:
        async with ledger.transactions.begin() as transaction:
            transaction.session.add(RemoteSolve(solve_id="a" * 32, scheduled_on=ledger.now))
        await ledger.store.put(solve_order_key("a" * 32), b"{}", "application/json")
        tools = RemoteSolveTools(
            transactions=ledger.transactions, store=ledger.store, bus=MemoryBus(), policy=ledger.policy
        )
        assert await forget_solves(tools, ledger.now + timedelta(minutes=30)) == 0
        assert await forget_solves(tools, ledger.now + timedelta(minutes=90)) == 1
        assert await ledger.take() == [SolveCanceled(solve_id="a" * 32)]
        await no_order_is_left(ledger, "a" * 32)
        await nothing_is_left(ledger)
