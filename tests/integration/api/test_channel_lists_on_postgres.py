"""Lists of channels on PostgreSQL."""

import asyncio
import dataclasses

from conda_store_api.repositories.packages import record_packages
from conda_store_api.use_cases.request_lists import request_lists
from conda_store_shared.contracts.events import ChannelIndexed
from conda_store_shared.db.engine import Database
from conda_store_shared.db.models import Build
from conda_store_shared.testing.channel_lists import many_packages, put_list
from tests.unit.api.channel_lists_suite import (
    CHANNEL,
    OTHER,
    ListRequestsSuite,
    ListsSuite,
    check_names,
    list_arrives,
    packages_of,
    requested,
    shown,
    some_tools,
    take_over,
)
from tests.unit.api.ledger_builders import Ledger, a_package


class TestListRequests(ListRequestsSuite):
    """The suite on the ledger of this directory."""


class TestLists(ListsSuite):
    """The suite on that ledger."""


async def test_list_is_asked_for_once_by_several_replicas(ledger: Ledger) -> None:
    async with Database(ledger.database.url) as database:
        other = Ledger(database, ledger.store)
        for _ in range(3):
            rounds = [request_lists(some_tools(one, "conda-forge", OTHER), ledger.now) for one in (ledger, other) * 2]
            assert sum(await asyncio.gather(*rounds)) == 4
            assert len(await requested(ledger)) == 4
            ledger.later(1000)


async def test_replicas_take_over_lists_while_builds_are_recorded(ledger: Ledger) -> None:
    await request_lists(some_tools(ledger, "conda-forge"), ledger.now)
    lists = [list(many_packages(80, versions=2, seed=seed)) for seed in range(2)]
    installed = [
        dataclasses.replace(a_package(package.name, package.version), channel=CHANNEL, subdir="noarch")
        for listed in lists
        for package in listed
    ]

    async def record(build: Build, number: int) -> None:
        async with ledger.transactions.begin() as transaction:
            await record_packages(transaction.session, build.id, installed[number::5])

    builds = [await ledger.completed() for _ in range(5)]
    async with Database(ledger.database.url) as database:
        other = Ledger(database, ledger.store)
        for listed in lists:
            contents = await put_list(ledger.store, CHANNEL, "noarch", listed)
            said = ChannelIndexed(channel=CHANNEL, subdir="noarch", index_digest=contents.digest)
            replicas = [take_over(one, said, run_bytes=1000) for one in (ledger, other)]
            records = [record(build, number) for number, build in enumerate(builds)]
            await asyncio.gather(*replicas, *records)
            await check_names(ledger)
    for number, build in enumerate(builds):
        kept = {(package.name, package.version) for package in installed[number::5]}
        assert await packages_of(ledger, build) >= kept
    # What builds recorded meanwhile is hidden by the next list that says so.
    await list_arrives(ledger, [])
    await list_arrives(ledger, lists[0])
    assert set(await shown(ledger)) - {("numpy", "1.0"), ("python", "1.0")} == {
        (package.name, package.version) for package in lists[0]
    }
