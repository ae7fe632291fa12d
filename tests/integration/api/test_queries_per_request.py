"""Reading takes the same few queries, however much there is to read."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from conda_store_api.main import Parts
from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.db.engine import Database
from conda_store_shared.testing.queries import recorded_queries
from tests.unit.api.api_client import open_client, wire_api
from tests.unit.api.ledger_builders import Ledger, a_policy

MOST = 4
LISTS = ("/api/v1/namespace/", "/api/v1/environment/", "/api/v2/environment/", "/api/v1/build/")
FILTERS = ("search=e", "status=COMPLETED", "artifact=LOCKFILE", "packages=python&packages=numpy", "size=1", "limit=1")
ONE = ("/api/v1/build/{build_id}/", "/api/v1/build/{build_id}/packages/", "/api/v1/environment/team/weather/")


class Caller:
    """Asks, and tells how many queries that took."""

    def __init__(self, client: httpx.AsyncClient, queries: list[str]) -> None:
        self._client = client
        self._queries = queries

    async def fewest_queries(self, path: str) -> int:
        """Of three tries: what is known of the caller grows old now and then, and is asked for again."""
        return min([await self.queries(path) for _ in range(3)])

    async def queries(self, path: str, caller: str = "admin") -> int:
        self._queries.clear()
        answer = await self._client.get(path, headers={"Authorization": f"Bearer {caller}"})
        assert answer.status_code == 200, answer.text
        # The driver tells of a statement a turn of the loop later.
        await asyncio.sleep(0)
        return len(self._queries)


@pytest.fixture
async def caller(postgres_url: str, ledger: Ledger) -> AsyncIterator[Caller]:
    """A caller of a service that has just been started."""
    parts = Parts(bus=MemoryBus(), store=ledger.store, database=Database(postgres_url, pool_size=1))
    async with parts.database as database, open_client(wire_api(parts, a_policy())) as client:
        with recorded_queries(database) as queries:
            caller = Caller(client, queries)
            # On a new connection the driver asks for the server's version and types.
            await caller.queries("/api/v1/environment/", "stranger")
            yield caller


async def test_lists_take_few_queries_when_nothing_is_known_of_the_caller(caller: Caller, ledger: Ledger) -> None:
    await ledger.completed()
    for path, who in zip(LISTS, ("admin", "viewer", "developer", "owner"), strict=True):
        assert 1 <= await caller.queries(path, who) <= MOST


async def test_number_of_queries_stays_the_same_when_there_is_more_to_read(caller: Caller, ledger: Ledger) -> None:
    build = await ledger.completed()
    paths = [f"{path}?{query}" for path in LISTS for query in FILTERS]
    paths += ["/api/v1/package/?search=py", *(path.format(build_id=build.id) for path in ONE)]
    few = {path: await caller.fewest_queries(path) for path in paths}
    for name in ("rain", "snow", "hail"):
        await ledger.submit("team", name)
        await ledger.submit(name, name)
    assert {path: await caller.fewest_queries(path) for path in paths} == few
    assert min(few.values()) >= 1
    assert max(few.values()) <= MOST, few
