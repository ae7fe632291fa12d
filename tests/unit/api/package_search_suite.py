"""Channels and packages as clients see them: on every database (contract §1.5)."""

import dataclasses
import itertools
import random
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import event, update

from conda_store_api.repositories.package_search import FEW, KEYS, PackageSearch, search_packages
from conda_store_api.repositories.packages import ensure_package_builds
from conda_store_shared.db.models import CondaChannel, CondaPackage
from conda_store_shared.domain.prefix_record import InstalledPackage
from conda_store_shared.web.pagination import Page
from tests.unit.api.api_client import Api
from tests.unit.api.ledger_builders import Ledger, a_package

CHANNELS = ("https://b.example", "https://a.example", "https://C.example")
NAMES = ("numpy", "numpy-base", "py", "pysnow", "a_b", "axb", "r-base")
VERSIONS = ("1.0", "10.0", "2.0", "2.0_1")
LARGEST_QUERY_COUNT = 4


def some_packages() -> Iterator[InstalledPackage]:
    """Some of every combination, in no order, with one or two files each."""
    combinations = itertools.product(VERSIONS, NAMES, CHANNELS)
    for number, (version, name, channel) in enumerate(combinations):
        if number % 4 == 3:
            continue
        for build in ("py311_0", f"h{number}_1")[: 1 + number % 2]:
            package = a_package(name, version)
            yield dataclasses.replace(package, channel=channel, build=build, license="MIT", summary=f"About {name}")


@dataclasses.dataclass(frozen=True)
class Row:
    """What can be asked of a version."""

    channel: str
    name: str
    version: str
    builds: tuple[str, ...]

    def key(self, keys: Sequence[str]) -> tuple[str, ...]:
        return tuple(getattr(self, key) for key in keys)


def expected(search: PackageSearch, page: Page) -> tuple[list[tuple[str, ...]], int]:
    """One page and the count, by the plainest of means."""
    files: dict[tuple[str, str, str], list[str]] = {}
    for package in some_packages():
        files.setdefault((package.channel, package.name, package.version), []).append(package.build)
    rows = [Row(*key, tuple(builds)) for key, builds in files.items() if matches(key[1], builds, search)]
    order = list(dict.fromkeys([*search.distinct_on, *page.sort_by, *KEYS]))
    rows.sort(key=lambda row: row.key(order), reverse=page.descending)
    if search.distinct_on:
        rows = [next(group) for _, group in itertools.groupby(rows, lambda row: row.key(search.distinct_on))]
    return [row.key(KEYS) for row in rows[page.offset : page.offset + page.size]], len(rows)


def matches(name: str, builds: Sequence[str], search: PackageSearch) -> bool:
    text = search.search or ""
    found = name == text if search.exact and text else text in name or text.lower() in name
    return found and (not search.build or any(search.build in build for build in builds))


async def answered(ledger: Ledger, search: PackageSearch, page: Page, few: int) -> tuple[list[tuple[str, ...]], int]:
    async with ledger.database.reader() as reader:
        rows, count = await search_packages(reader, search, page, few)
    return [(row.channel, row.name, row.version) for row in rows], count


SORTS = [(), ("name",), ("name", "version"), ("channel", "version"), ("version", "name")]
SEARCHES = [
    PackageSearch(),
    PackageSearch(search="num"),
    PackageSearch(search="NumPy"),
    PackageSearch(search="py", exact=True),
    PackageSearch(search="a_b"),
    PackageSearch(search="%"),
    PackageSearch(search="base", build="h"),
    PackageSearch(build="py311"),
    PackageSearch(build="1_1"),
]
DISTINCT = [subset for size in range(4) for subset in itertools.permutations(KEYS, size)]


class PackageSearchSuite:
    """Suites below run on the ledger of their directory."""

    @pytest.fixture(autouse=True)
    async def packages(self, ledger: Ledger) -> None:
        """Some packages are known."""
        async with ledger.transactions.begin() as transaction:
            await ensure_package_builds(transaction.session, list(some_packages()))

    @pytest.mark.parametrize("few", [0, FEW])
    async def test_search_finds_what_there_is_in_order(self, ledger: Ledger, few: int) -> None:
        pages = [Page(number=number, size=7, sort_by=sort, descending=down)
                 for number, sort, down in itertools.product((1, 3, 9), SORTS, (False, True))]  # fmt: skip
        # Some of all, the same each time.
        for search, page in random.Random(few).sample(list(itertools.product(SEARCHES, pages)), 70):
            assert await answered(ledger, search, page, few) == expected(search, page), (search, page)

    async def test_one_version_is_found_of_those_that_agree(self, ledger: Ledger) -> None:
        sorts = ((), ("version",), ("channel", "version"))
        pages = [Page(number=2, size=5, sort_by=sort, descending=down)
                 for sort, down in itertools.product(sorts, (False, True))]  # fmt: skip
        searches = (SEARCHES[0], SEARCHES[1], SEARCHES[6])
        every = list(itertools.product(DISTINCT, searches, pages))
        for distinct_on, searched, page in random.Random(1).sample(every, 80):
            search = dataclasses.replace(searched, distinct_on=distinct_on)
            assert await answered(ledger, search, page, FEW) == expected(search, page), (search, page)

    async def test_package_that_vanished_is_found_no_more(self, ledger: Ledger) -> None:
        page = Page(number=1, size=100)
        for search in (PackageSearch(build="py311"), PackageSearch(distinct_on=("version",))):
            async with ledger.transactions.begin() as transaction:
                await transaction.session.execute(update(CondaPackage).values(vanished=True))
            assert await answered(ledger, search, page, FEW) == ([], 0)

    async def test_queries_are_few_whatever_is_asked(self, ledger: Ledger) -> None:
        statements: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            if statement.startswith("SELECT"):
                statements.append(statement)

        event.listen(ledger.database.engine.sync_engine, "before_cursor_execute", note)
        try:
            for search, distinct_on, few in itertools.product(SEARCHES[::3], DISTINCT, (0, FEW)):
                statements.clear()
                asked = dataclasses.replace(search, distinct_on=distinct_on)
                await answered(ledger, asked, Page(number=1, size=50), few)
                assert len(statements) <= LARGEST_QUERY_COUNT, asked
        finally:
            event.remove(ledger.database.engine.sync_engine, "before_cursor_execute", note)


class PackageRoutesSuite(PackageSearchSuite):
    """The routes, over HTTP on that ledger."""

    async def test_package_has_the_form_clients_know(self, api: Api) -> None:
        answer = await api.get("/package/?search=numpy&exact=1&sort_by=name&size=1", caller=None)
        assert answer.status_code == 200
        body = answer.json()
        (row,) = body.pop("data")
        assert body == {"status": "ok", "message": None, "page": 1, "size": 1, "count": 9}
        channel = row.pop("channel")
        assert channel == {"id": channel["id"], "name": "https://C.example", "last_update": None}
        assert row == {"id": row["id"], "name": "numpy", "version": "1.0", "license": "MIT", "summary": "About numpy"}

    async def test_channel_has_the_form_clients_know(self, api: Api, ledger: Ledger) -> None:
        moment = datetime(2026, 11, 22, 11, 7, 30, 612738)
        async with ledger.transactions.begin() as transaction:
            listed = update(CondaChannel).where(CondaChannel.name == CHANNELS[0])
            await transaction.session.execute(listed.values(last_update=moment))
        answer = await api.get("/channel/", caller=None)
        assert answer.status_code == 200
        body = answer.json()
        rows = [(row["name"], row["last_update"]) for row in body.pop("data")]
        updates = dict.fromkeys(sorted(CHANNELS)) | {CHANNELS[0]: "2026-11-22T11:07:30.612738"}
        assert rows == list(updates.items())
        assert body == {"status": "ok", "message": None, "page": 1, "size": 100, "count": 3}

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ("sort_by=name&order=desc&size=1", ["https://b.example"]),
            ("sort_by=name&page=2&size=2", ["https://b.example"]),
            ("page=9", []),
        ],
    )
    async def test_channels_are_paged(self, api: Api, query: str, names: list[str]) -> None:
        body = (await api.get(f"/channel/?{query}")).json()
        assert [row["name"] for row in body["data"]] == names
        assert body["count"] == 3

    async def test_unknown_columns_are_passed_over(self, api: Api) -> None:
        plain = (await api.get("/package/?size=5")).json()
        assert (await api.get("/package/?size=5&distinct_on=color&distinct_on=")).json() == plain
        distinct = (await api.get("/package/?distinct_on=name&distinct_on=color&distinct_on=name")).json()
        assert [row["name"] for row in distinct["data"]] == sorted(NAMES)

    @pytest.mark.parametrize("query", ["page=0", "size=0", "size=-1", "page=x", "page=99999999999"])
    async def test_page_is_refused_when_it_is_none(self, api: Api, query: str) -> None:
        for path in ("/package/", "/channel/"):
            assert (await api.get(f"{path}?{query}")).status_code == 422
