"""How many rows a list has, on every database."""


import pytest
from sqlalchemy import delete, select

from conda_store_api.repositories.counts import CHEAP, OLDEST_SECONDS, Counts
from conda_store_shared.db.models import Namespace
from conda_store_shared.db.statements import insert_all_new
from tests.unit.api.api_client import Api
from tests.unit.api.ledger_builders import Ledger

ALL = select(Namespace.id)


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def make_namespaces(ledger: Ledger, first: int, count: int) -> None:
    async with ledger.transactions.begin() as transaction:
        rows = [{"name": f"n-{number}", "metadata_": {}} for number in range(first, first + count)]
        await insert_all_new(transaction.session, Namespace, rows)


async def counted(ledger: Ledger, counts: Counts) -> int:
    known = counts.known(ALL)
    if known is not None:
        return known
    async with ledger.database.reader() as reader:
        return await counts.count(reader, ALL)


class CountsSuite:
    """Suites below run on the ledger of their directory."""

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    async def counts(self, ledger: Ledger, clock: Clock) -> Counts:
        await make_namespaces(ledger, 0, CHEAP + 1)
        return Counts(ledger.database, clock)

    async def test_count_of_a_long_list_is_two_seconds_old_at_most(
        self, ledger: Ledger, counts: Counts, clock: Clock
    ) -> None:
        assert await counted(ledger, counts) == CHEAP + 1
        await make_namespaces(ledger, CHEAP + 1, 1)
        assert await counted(ledger, counts) == CHEAP + 1
        clock.now += OLDEST_SECONDS + 0.1
        assert await counted(ledger, counts) == CHEAP + 2

    async def test_count_of_a_short_list_is_asked_for_each_time(self, ledger: Ledger, counts: Counts) -> None:
        async with ledger.transactions.begin() as transaction:
            await transaction.session.execute(delete(Namespace).where(Namespace.name == "n-0"))
        assert await counted(ledger, counts) == CHEAP
        await make_namespaces(ledger, CHEAP + 1, 1)
        assert await counted(ledger, counts) == CHEAP + 1

    async def test_count_is_renewed_before_it_is_old_when_it_is_wanted(
        self, ledger: Ledger, counts: Counts, clock: Clock
    ) -> None:
        await counted(ledger, counts)
        await make_namespaces(ledger, CHEAP + 1, 1)
        clock.now += 1.1
        await counts.renew()
        assert counts.known(ALL) == CHEAP + 2
        clock.now += 1.1
        await counts.renew()
        assert counts.known(ALL) == CHEAP + 2

    async def test_count_is_forgotten_when_nobody_wants_it(
        self, ledger: Ledger, counts: Counts, clock: Clock
    ) -> None:
        await counted(ledger, counts)
        for _ in range(2):
            clock.now += 1.1
            await counts.renew()
        assert counts.known(ALL) is None

    async def test_every_page_tells_how_many_rows_there_are_on_all(self, ledger: Ledger, api: Api) -> None:
        for name in ("a", "b", "c", "d"):
            await ledger.submit(name=name)
        for query, length in (
            ({"size": 3}, 3),
            ({"size": 3, "page": 2}, 1),
            ({"size": 3, "page": 3}, 0),
            ({"size": 4}, 4),
            ({"size": 4, "page": 2}, 0),
            ({"size": 100}, 4),
        ):
            for path in ("/environment/", "/build/"):
                answer = (await api.get(path, params=query)).json()
                assert (len(answer["data"]), answer["count"]) == (length, 4), (path, query)
        await ledger.submit(name="e")
        assert (await api.get("/environment/", params={"size": 3})).json()["count"] == 5

    async def test_long_list_tells_its_count_on_every_page(self, ledger: Ledger, counts: Counts, api: Api) -> None:
        assert counts.known(ALL) is None
        for query, length in (({}, 100), ({"page": 21}, 1), ({"page": 22}, 0)):
            answer = (await api.get("/namespace/", params=query)).json()
            assert (len(answer["data"]), answer["count"]) == (length, CHEAP + 1)
