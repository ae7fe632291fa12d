"""A part that api stands on goes away and comes back: said at once, which part, and work goes on by itself."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx

from conda_store_api.main import Parts
from conda_store_shared.assembly.process import Process
from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.bus.port import Subscription
from conda_store_shared.bus.rabbitmq import RabbitBus, RabbitOptions
from conda_store_shared.contracts.topology import API, SOLVER
from conda_store_shared.db.engine import Database
from conda_store_shared.db.migrate import upgrade
from conda_store_shared.storage.filesystem import FilesystemStore
from conda_store_shared.storage.s3 import S3Options, S3Store
from conda_store_shared.testing.bus_messages import SOLVE_QUEUE, Recorder, running
from conda_store_shared.testing.servers import S3, Postgres, RabbitMQ
from tests.unit.api.api_client import Api, open_client, wire_api
from tests.unit.api.ledger_builders import Ledger, a_policy

# A caller waits no longer than this for an answer, whatever is away; design §9 for what must then go on.
AT_ONCE, RESUMED_AFTER = 11.0, 15.0


@contextlib.asynccontextmanager
async def serving(process: Process) -> AsyncIterator[httpx.AsyncClient]:
    """Run the service with everything it does in the background."""
    (service,) = process.services
    for subscription in service.subscriptions:
        process.bus.subscribe(subscription)
    parts = [process.bus.run, *service.background]
    tasks = [asyncio.create_task(_run(part)) for part in parts]
    async with open_client(process) as client:
        yield client
    # Some have only something to see to at the start.
    failures = [failure for task in tasks if task.done() and (failure := task.exception()) is not None]
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert failures == []


async def _run(part: object) -> None:
    assert callable(part)
    await part()


async def parts_of(client: httpx.AsyncClient) -> tuple[int, dict[str, str]]:
    """What the service says of its health, a moment after it last asked."""
    await asyncio.sleep(1.1)
    answer = await client.get("/health/ready")
    return answer.status_code, answer.json()["parts"]


async def answer_within(seconds: float, api: Api, status: int) -> None:
    """Return once a submission is answered with ``status``."""
    async with asyncio.timeout(seconds):
        while (await api.submit()).status_code != status:  # noqa: ASYNC110 - the service tells only when asked
            await asyncio.sleep(0.2)


async def test_api_says_so_when_the_database_is_away_and_goes_on_when_it_is_back(tmp_path: Path) -> None:
    solver = Recorder()
    with Postgres() as server:
        async with Database(server.create_database()) as database, FilesystemStore(tmp_path) as store:
            await upgrade(database)
            bus = MemoryBus()
            bus.subscribe(Subscription(handler=solver, queue=SOLVE_QUEUE))
            process = wire_api(Parts(bus=bus, store=store, database=database), a_policy())
            async with serving(process) as client:
                api = Api(client, Ledger(database, store))
                assert (await api.submit()).status_code == 200
                await solver.wait_for(1)
                server.stop()
                for method, path in (("GET", "/environment/"), ("GET", "/build/1/"), ("PUT", "/build/1/cancel/")):
                    began = time.monotonic()
                    answer = await api.ask(method, path)
                    assert time.monotonic() - began < AT_ONCE
                    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
                    assert answer.json()["status"] == "error"
                assert (await api.submit()).status_code == 503
                assert await parts_of(client) == (503, {"bus": "ok", "database": "error", "storage": "ok"})
                assert (await client.get("/health/live")).status_code == 200
                server.start()
                await answer_within(RESUMED_AFTER, api, 200)
                await solver.wait_for(1, 2, timeout=RESUMED_AFTER)
                assert (await parts_of(client))[0] == 200


async def test_builds_wait_when_storage_is_away_and_go_on_when_it_is_back(postgres_url: str) -> None:
    solver = Recorder()
    with S3() as server:
        account = server.account
        options = S3Options(
            bucket=server.create_bucket().name,
            endpoint=account.endpoint,
            access_key=account.access_key,
            secret_key=account.secret_key,
            region=account.region,
        )
        async with Database(postgres_url) as database, S3Store(options) as store:
            bus = MemoryBus()
            bus.subscribe(Subscription(handler=solver, queue=SOLVE_QUEUE))
            process = wire_api(Parts(bus=bus, store=store, database=database), a_policy())
            async with serving(process) as client:
                api = Api(client, Ledger(database, FilesystemStore(Path("unused"))))
                server.stop()
                assert (await api.submit()).status_code == 200
                assert await parts_of(client) == (503, {"bus": "ok", "database": "ok", "storage": "error"})
                assert (await api.get("/build/1/")).json()["data"]["status"] == "QUEUED"
                assert solver.begun == []
                began = time.monotonic()
                canceled = await api.ask("PUT", "/build/1/cancel/")
                assert time.monotonic() - began < AT_ONCE
                assert canceled.status_code in (200, 503)
                assert (await api.submit()).status_code == 200
                server.start()
                await solver.wait_for(2, timeout=RESUMED_AFTER)
                assert solver.build_ids == [2]


async def test_builds_wait_when_the_broker_is_away_and_go_on_when_it_is_back(postgres_url: str, tmp_path: Path) -> None:
    solver = Recorder()
    with RabbitMQ() as broker:
        url = broker.create_vhost()
        bus, other = (RabbitBus(RabbitOptions(url=url, service=name)) for name in (API, SOLVER))
        other.subscribe(Subscription(handler=solver, queue=SOLVE_QUEUE))
        async with Database(postgres_url) as database, FilesystemStore(tmp_path) as store:
            process = wire_api(Parts(bus=bus, store=store, database=database), a_policy())
            async with running(other), serving(process) as client:
                api = Api(client, Ledger(database, store))
                assert (await api.submit()).status_code == 200
                await solver.wait_for(1)
                await asyncio.sleep(2)
                broker.stop()
                assert (await api.submit()).status_code == 200
                assert await parts_of(client) == (503, {"bus": "error", "database": "ok", "storage": "ok"})
                broker.start()
                await solver.wait_for(2, timeout=RESUMED_AFTER)
                assert (await parts_of(client))[0] == 200
