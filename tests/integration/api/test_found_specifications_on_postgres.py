"""Watched files on PostgreSQL."""

import asyncio

from conda_store_shared.db.engine import Database
from conda_store_shared.db.models import Build
from tests.unit.api.found_specifications_suite import FoundSpecificationsSuite, found, rejections
from tests.unit.api.ledger_builders import Ledger


class TestFoundSpecifications(FoundSpecificationsSuite):
    """The suite on the ledger of this directory."""


async def test_content_is_decided_upon_once_by_several_replicas(ledger: Ledger) -> None:
    async with Database(ledger.database.url) as database:
        replicas = (ledger, Ledger(database, ledger.store))
        for number in range(5):
            good, bad = f"name: weather\ndependencies: [demo-{number}]", f"name: [ # {number}"
            rounds = [found(one, good) for one in replicas * 2]
            rounds += [found(one, bad, "/srv/environments/bad.yml") for one in replicas * 2]
            # The same volume, mounted elsewhere.
            rounds += [found(one, good, f"/elsewhere/{place}.yml") for place, one in enumerate(replicas)]
            assert sum(await asyncio.gather(*rounds)) == 1
    assert await ledger.count(Build) == [5]
    assert len(await rejections(ledger)) == 5
