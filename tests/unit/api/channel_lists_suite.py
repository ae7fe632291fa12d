"""How lists of channels are asked for and taken over: on every database (contract §4.11)."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import func, select

from conda_store_api.repositories.listings import PackageFilter, list_build_packages
from conda_store_api.repositories.package_search import PackageSearch, search_packages
from conda_store_api.repositories.settings import store_settings
from conda_store_api.use_cases.request_lists import ListTools, request_lists
from conda_store_api.use_cases.take_over_list import TakeOverTools, take_over_list
from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.contracts.events import ChannelIndexed, IndexRequested
from conda_store_shared.db.models import (
    Build,
    CondaChannel,
    CondaChannelIndex,
    CondaIndexSection,
    CondaPackage,
    CondaPackageBuild,
    CondaPackageName,
)
from conda_store_shared.domain.channel_index import IndexedPackage
from conda_store_shared.domain.storage_keys import channel_index_key
from conda_store_shared.errors import DatabaseUnavailable
from conda_store_shared.testing.bus_messages import a_message
from conda_store_shared.testing.channel_lists import a_listed_package, many_packages, put_list
from conda_store_shared.transaction import Transactions
from conda_store_shared.web.pagination import Page
from tests.unit.api.ledger_builders import Ledger, of_type
from tests.unit.shared.settings_builders import some_settings

CHANNEL = "https://conda.anaconda.org/conda-forge"
OTHER = "https://other.example/channel"
EVERYTHING = Page(number=1, size=10_000)


def some_tools(ledger: Ledger, *channels: str, bus: MemoryBus | None = None) -> ListTools:
    settings = some_settings(conda_indexed_channels=list(channels), conda_platforms=["linux-64", "noarch"])
    return ListTools(transactions=ledger.transactions, bus=bus or MemoryBus(), defaults=settings, interval=900)


async def requested(ledger: Ledger) -> list[tuple[str, str]]:
    """What was asked for and waits for the broker."""
    return [(event.channel, event.subdir) for event in of_type(await ledger.take(), IndexRequested)]


async def list_arrives(
    ledger: Ledger, packages: Sequence[IndexedPackage], channel: str = CHANNEL, subdir: str = "noarch"
) -> ChannelIndexed:
    """A solver leaves a list and says so; return what it said."""
    contents = await put_list(ledger.store, channel, subdir, packages)
    said = ChannelIndexed(channel=channel, subdir=subdir, index_digest=contents.digest)
    await take_over(ledger, said)
    return said


async def take_over(ledger: Ledger, said: ChannelIndexed, **options: Any) -> None:
    tools = TakeOverTools(**{"transactions": ledger.transactions, "store": ledger.store, **options})
    await take_over_list(said, tools, ledger.now)


async def shown(ledger: Ledger, **search: Any) -> list[tuple[str, str]]:
    """Name and version of everything that can be found; and that it is counted right."""
    async with ledger.database.reader() as reader:
        rows, count = await search_packages(reader, PackageSearch(**search), EVERYTHING)
    assert count == len(rows)
    return [(row.name, row.version) for row in rows]


async def count(ledger: Ledger, table: Any, *conditions: Any) -> int:
    async with ledger.database.session() as session:
        return await session.scalar(select(func.count()).select_from(table).where(*conditions)) or 0


async def packages_of(ledger: Ledger, build: Build) -> set[tuple[str, str]]:
    async with ledger.database.session() as session:
        rows, _ = await list_build_packages(session, build.id, PackageFilter(), EVERYTHING)
    return {(package.name, package.version) for package, _ in rows}


async def check_names(ledger: Ledger) -> None:
    """The table of names counts what there is."""
    async with ledger.database.session() as session:
        counted = await session.execute(
            select(CondaPackage.channel_id, CondaPackage.name, func.count())
            .where(~CondaPackage.vanished)
            .group_by(CondaPackage.channel_id, CondaPackage.name)
        )
        noted = await session.execute(
            select(CondaPackageName.channel_id, CondaPackageName.name, CondaPackageName.versions)
        )
        assert sorted(map(tuple, counted)) == sorted(map(tuple, noted))


class ListRequestsSuite:
    """Suites below run on the ledger of their directory."""

    async def test_lists_of_every_channel_and_platform_are_asked_for_when_none_was(self, ledger: Ledger) -> None:
        assert await request_lists(some_tools(ledger, "conda-forge", OTHER), ledger.now) == 4
        assert sorted(await requested(ledger)) == [
            (channel, subdir) for channel in (CHANNEL, OTHER) for subdir in ("linux-64", "noarch")
        ]

    async def test_list_is_asked_for_once_in_an_interval_whatever_comes_of_it(self, ledger: Ledger) -> None:
        tools = some_tools(ledger, "conda-forge")
        await request_lists(tools, ledger.now)
        await list_arrives(ledger, [a_listed_package("a")])
        await ledger.take()
        ledger.later(890)
        assert await request_lists(tools, ledger.now) == 0
        ledger.later(20)
        assert await request_lists(tools, ledger.now) == 2

    async def test_lists_that_were_lost_are_due_at_once_when_everything_is(self, ledger: Ledger) -> None:
        tools = some_tools(ledger, "conda-forge")
        await request_lists(tools, ledger.now)
        await list_arrives(ledger, [a_listed_package("a")], subdir="noarch")
        await ledger.take()
        ledger.later(5)
        await request_lists(tools, ledger.now, everything=True)
        assert await requested(ledger) == [(CHANNEL, "linux-64")]

    async def test_nothing_is_asked_for_while_earlier_requests_wait(self, ledger: Ledger) -> None:
        bus = MemoryBus()
        tools = some_tools(ledger, "conda-forge", bus=bus)
        await bus.publish(a_message(IndexRequested(channel=OTHER, subdir="noarch")))
        assert await request_lists(tools, ledger.now) == 0

    async def test_stored_setting_says_which_channels(self, ledger: Ledger) -> None:
        async with ledger.transactions.begin() as transaction:
            values = {"conda_indexed_channels": [OTHER], "conda_platforms": ["noarch"]}
            await store_settings(transaction.session, None, None, values)
        await request_lists(some_tools(ledger, "conda-forge"), ledger.now)
        assert await requested(ledger) == [(OTHER, "noarch")]

    async def test_credential_in_an_address_is_left_out(self, ledger: Ledger) -> None:
        await request_lists(some_tools(ledger, "https://ann:secret@c.example/t/token/forge"), ledger.now)
        assert {channel for channel, _ in await requested(ledger)} == {"https://c.example/forge"}
        assert await count(ledger, CondaChannel, CondaChannel.name.contains("secret")) == 0

    async def test_channel_is_forgotten_when_it_is_not_wanted_any_more(self, ledger: Ledger) -> None:
        build = await ledger.completed()
        await request_lists(some_tools(ledger, "conda-forge", OTHER), ledger.now)
        await list_arrives(ledger, list(many_packages(230, versions=1)))
        await list_arrives(ledger, [a_listed_package("b")], channel=OTHER)
        ledger.later(1000)
        await request_lists(some_tools(ledger, OTHER), ledger.now)
        assert len(await shown(ledger, search="a")) > 100
        ledger.later(1000)
        await request_lists(some_tools(ledger, OTHER), ledger.now)
        # What builds installed is shown again, as of any channel that nobody lists.
        assert await shown(ledger) == [("numpy", "1.0"), ("python", "1.0"), ("b", "1.0")]
        assert await packages_of(ledger, build) == {("numpy", "1.0"), ("python", "1.0")}
        assert await count(ledger, CondaChannelIndex) == 2
        assert await count(ledger, CondaChannel, CondaChannel.last_update.is_(None)) == 1
        await check_names(ledger)

    async def test_list_of_a_forgotten_channel_is_not_taken_over_when_it_comes_late(self, ledger: Ledger) -> None:
        await request_lists(some_tools(ledger, "conda-forge"), ledger.now)
        ledger.later(2000)
        await request_lists(some_tools(ledger), ledger.now)
        await list_arrives(ledger, [a_listed_package("a")])
        assert await shown(ledger) == []


class ListsSuite:
    """Suites below run on the ledger of their directory."""

    @pytest.fixture(autouse=True)
    async def wanted(self, ledger: Ledger) -> None:
        """The lists of one channel are wanted."""
        await request_lists(some_tools(ledger, "conda-forge"), ledger.now)
        await ledger.take()

    async def test_packages_are_those_of_the_newest_list(self, ledger: Ledger) -> None:
        one, two = list(many_packages(60, versions=3)), list(many_packages(60, versions=3, seed=2))
        for listed in (one, two, [*one[:50], *one[60:]], []):
            await list_arrives(ledger, listed)
            assert await shown(ledger) == [(package.name, package.version) for package in listed]
            builds = sum(len(package.builds) for package in listed)
            assert await count(ledger, CondaPackageBuild) == builds
            assert await count(ledger, CondaPackage) == len(listed)
            await check_names(ledger)

    async def test_channel_tells_when_it_was_listed_last(self, ledger: Ledger) -> None:
        said = await list_arrives(ledger, [a_listed_package("a")])
        ledger.later(60)
        await take_over(ledger, said)
        async with ledger.database.session() as session:
            assert await session.scalar(select(CondaChannel.last_update)) == ledger.now
        # A list that is the same as before is no news.
        assert (await ledger.events()).count("channel.indexed") == 1

    async def test_version_is_shown_until_no_platform_has_it(self, ledger: Ledger) -> None:
        await list_arrives(ledger, [a_listed_package("a", builds=("0",))], subdir="noarch")
        await list_arrives(ledger, [a_listed_package("a", builds=("1",))], subdir="linux-64")
        await list_arrives(ledger, [], subdir="noarch")
        assert await shown(ledger) == [("a", "1.0")]
        await list_arrives(ledger, [], subdir="linux-64")
        assert await shown(ledger) == []

    async def test_change_of_a_file_and_of_what_is_told_is_taken_over(self, ledger: Ledger) -> None:
        await list_arrives(ledger, [a_listed_package("a", builds=("0", "1"), summary="Old")])
        package = a_listed_package("a", builds=("1", "2"), summary="New")
        bigger = dataclasses.replace(package.builds[0], size=7)
        await list_arrives(ledger, [dataclasses.replace(package, license="BSD", builds=(bigger, *package.builds[1:]))])
        async with ledger.database.session() as session:
            row = (await session.scalars(select(CondaPackage))).one()
            files = (await session.scalars(select(CondaPackageBuild).order_by(CondaPackageBuild.build))).all()
        assert (row.license, row.summary) == ("BSD", "New")
        assert [(file.build, file.size) for file in files] == [("1", 7), ("2", 1000)]

    async def test_repeat_and_older_word_change_nothing(self, ledger: Ledger) -> None:
        older = await list_arrives(ledger, [a_listed_package("a")])
        newer = await list_arrives(ledger, [a_listed_package("b")])
        for said in (older, newer, older, newer):
            await take_over(ledger, said)
            assert await shown(ledger) == [("b", "1.0")]

    async def test_what_was_left_undone_is_done_when_the_message_comes_again(self, ledger: Ledger) -> None:
        listed = list(many_packages(150, versions=2))
        contents = await put_list(ledger.store, CHANNEL, "noarch", listed)
        said = ChannelIndexed(channel=CHANNEL, subdir="noarch", index_digest=contents.digest)
        dying = DyingTransactions(ledger, lives=2)
        with pytest.raises(DatabaseUnavailable):
            await take_over(ledger, said, transactions=dying, run_bytes=2000)
        done = await count(ledger, CondaIndexSection)
        assert 0 < done < len(contents.sections)
        await check_names(ledger)
        await take_over(ledger, said)
        assert await shown(ledger) == [(package.name, package.version) for package in listed]

    async def test_missing_list_is_waited_for(self, ledger: Ledger) -> None:
        await list_arrives(ledger, [a_listed_package("a")])
        await ledger.store.delete(channel_index_key(CHANNEL, "noarch"))
        await take_over(ledger, ChannelIndexed(channel=CHANNEL, subdir="noarch", index_digest="0" * 64))
        assert await shown(ledger) == [("a", "1.0")]

    async def test_broken_list_is_deleted_so_that_another_is_put(self, ledger: Ledger) -> None:
        await list_arrives(ledger, [a_listed_package("a")])
        contents = await put_list(ledger.store, CHANNEL, "noarch", [a_listed_package("b")])
        key = channel_index_key(CHANNEL, "noarch")
        whole = await ledger.store.get(key, 10_000)
        await ledger.store.put(key, whole[:-3], "text/plain")
        await take_over(ledger, ChannelIndexed(channel=CHANNEL, subdir="noarch", index_digest=contents.digest))
        assert await ledger.store.head(key) is None
        assert await shown(ledger) == [("a", "1.0")]

    async def test_package_of_a_build_is_hidden_but_kept_when_the_channel_has_it_no_more(self, ledger: Ledger) -> None:
        build = await ledger.completed()
        await list_arrives(ledger, [a_listed_package("other")], subdir="linux-64")
        assert await shown(ledger) == [("other", "1.0")]
        assert await packages_of(ledger, build) == {("numpy", "1.0"), ("python", "1.0")}
        await check_names(ledger)

    async def test_package_of_a_build_is_shown_again_when_the_channel_has_it_again(self, ledger: Ledger) -> None:
        build = await ledger.completed()
        await list_arrives(ledger, [], subdir="linux-64")
        assert await shown(ledger) == []
        await list_arrives(ledger, [a_listed_package("numpy"), a_listed_package("python")], subdir="linux-64")
        assert await shown(ledger) == [("numpy", "1.0"), ("python", "1.0")]
        assert await packages_of(ledger, build) == {("numpy", "1.0"), ("python", "1.0")}

    async def test_build_completes_what_the_list_did_not_tell(self, ledger: Ledger) -> None:
        package = a_listed_package("numpy", builds=("h1_0",))
        listed = dataclasses.replace(package, builds=(dataclasses.replace(package.builds[0], sha256="s" * 64),))
        await list_arrives(ledger, [listed], subdir="linux-64")
        assert await count(ledger, CondaPackageBuild, CondaPackageBuild.is_outline) == 1
        await ledger.completed()
        async with ledger.database.session() as session:
            rows = await session.execute(
                select(CondaPackage.name, CondaPackageBuild.depends, CondaPackageBuild.is_outline).join(
                    CondaPackageBuild, CondaPackageBuild.package_id == CondaPackage.id
                )
            )
        assert sorted(map(tuple, rows)) == [("numpy", ["libc"], False), ("python", ["libc"], False)]
        await check_names(ledger)


class DyingTransactions(Transactions):
    """Lets a few transactions through, and then finds no database."""

    def __init__(self, ledger: Ledger, lives: int) -> None:
        super().__init__(ledger.database, "api")
        self._lives = lives

    def begin(self) -> Any:
        """Open a transaction, or raise DatabaseUnavailable."""
        self._lives -= 1
        if self._lives < 0:
            raise DatabaseUnavailable("the database cannot be reached")
        return super().begin()
