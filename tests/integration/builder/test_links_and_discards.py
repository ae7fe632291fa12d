"""Links end at the newest generation whatever the order; discards remove prefixes and nothing else."""

import asyncio
import itertools
import json
import os
import random
from pathlib import Path

import pytest

from conda_store_builder.adapters.directory_janitor import DirectoryJanitor
from conda_store_builder.adapters.directory_lock import locked
from conda_store_builder.domain.prefix_path import lock_of
from conda_store_shared.contracts import events
from tests.integration.builder.conftest import Builder, TinyPackage, Workbench, lockfile_of, run


class Generations:
    """Prefixes by generation, and the requests to link an environment to them."""

    def __init__(self, bench: Workbench) -> None:
        self.link = bench.store_directory / "ns/envs/demo"
        self._root = bench.store_directory / "ns"

    def path(self, generation: int) -> Path:
        return self._root / f"prefix-{generation}"

    def request(self, generation: int) -> events.LinkRequested:
        self.path(generation).mkdir(parents=True, exist_ok=True)
        return events.LinkRequested(
            build_id=generation,
            build_key=f"prefix-{generation}",
            namespace="ns",
            environment="demo",
            link=str(self.link),
            path=str(self.path(generation)),
            generation=generation,
        )


@pytest.fixture
def generations(bench: Workbench) -> Generations:
    return Generations(bench)


async def linked(builder: Builder, count: int) -> list[int]:
    """The generations that were told of, once there are ``count``."""
    facts = await builder.ledger.wait_for(
        lambda: len(found := builder.ledger.all_of(events.EnvironmentLinked)) >= count and found
    )
    return [fact.generation for fact in facts]


async def test_link_points_at_the_prefix_and_says_so(builder: Builder, generations: Generations) -> None:
    await builder.send(generations.request(1))
    assert await linked(builder, 1) == [1]
    assert os.readlink(generations.link) == str(generations.path(1))
    fact = builder.ledger.all_of(events.EnvironmentLinked)[0]
    assert (fact.namespace, fact.environment, fact.path) == ("ns", "demo", str(generations.path(1)))


@pytest.mark.parametrize("order", list(itertools.permutations([1, 2, 3])))
async def test_link_ends_at_the_newest_generation_when_requests_come_in_any_order(
    bench: Workbench, order: tuple[int, ...]
) -> None:
    generations = Generations(bench)
    async with bench.builder() as builder:
        for generation in order:
            await builder.send(generations.request(generation))
        await builder.ledger.wait_for(
            lambda: generations.link.is_symlink() and os.readlink(generations.link) == str(generations.path(3))
        )
        # The queue is worked off before the last word is believed.
        await builder.send(generations.request(3))
        await builder.ledger.wait_for(
            lambda: [fact.generation for fact in builder.ledger.all_of(events.EnvironmentLinked)].count(3) == 2
        )
        assert os.readlink(generations.link) == str(generations.path(3))


async def test_link_never_goes_back_when_two_builders_switch_it(bench: Workbench, generations: Generations) -> None:
    numbers = list(range(1, 41))
    random.Random(7).shuffle(numbers)
    async with bench.builder() as first, bench.builder() as second:
        for number in numbers:
            await random.Random(number).choice((first, second)).send(generations.request(number))
        seen = 0
        async with asyncio.timeout(20):
            while seen < 40:
                if generations.link.is_symlink():
                    now = int(os.readlink(generations.link).rpartition("-")[2])
                    assert now >= seen
                    seen = now
                await asyncio.sleep(0.002)
    assert [path.name for path in generations.link.parent.iterdir() if path.name.startswith(".") is False] == ["demo"]


async def test_link_is_made_again_and_told_again_when_the_request_is_repeated(
    builder: Builder, generations: Generations
) -> None:
    await builder.send(generations.request(5))
    await linked(builder, 1)
    # As when the first builder died between its note and the link.
    generations.link.unlink()
    await builder.send(generations.request(5))
    assert await linked(builder, 2) == [5, 5]
    assert os.readlink(generations.link) == str(generations.path(5))


async def test_link_stays_when_the_prefix_is_not_there(builder: Builder, generations: Generations) -> None:
    await builder.send(generations.request(1))
    await linked(builder, 1)
    missing = generations.request(2)
    generations.path(2).rmdir()
    await builder.send(missing)
    await builder.send(generations.request(1))
    assert await linked(builder, 2) == [1, 1]
    assert os.readlink(generations.link) == str(generations.path(1))


async def test_link_replaces_one_that_upstream_made(builder: Builder, generations: Generations) -> None:
    generations.link.parent.mkdir(parents=True)
    generations.link.symlink_to("/somewhere/else")
    await builder.send(generations.request(1))
    await linked(builder, 1)
    assert os.readlink(generations.link) == str(generations.path(1))
    note = json.loads(generations.link.with_name(".demo.generation").read_text())
    assert note["generation"] == 1


def discard(request: events.BuildEvent, path: Path) -> events.PrefixDiscardRequested:
    return events.PrefixDiscardRequested(build_id=request.build_id, build_key=request.build_key, path=str(path))


async def handled(builder: Builder) -> None:
    """Returns when all discards sent so far have been worked off."""
    async with asyncio.timeout(20):
        while await builder.bus.depth("builder.prefix.discard_requested"):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.2)


async def test_discard_frees_the_disk_of_a_prefix(bench: Workbench, builder: Builder) -> None:
    big = TinyPackage(name="big", files={"share/big.bin": os.urandom(5_000_000)})
    request = await bench.request(lockfile_of(bench.tiny(big)), link_mode="copy")
    await builder.built(request)
    namespace = bench.store_directory / "ns"
    before = int(run("/usr/bin/du", "-sb", namespace).split()[0])
    await builder.send(discard(request, bench.path_of(request)))
    await builder.ledger.wait_for(lambda: not bench.path_of(request).exists() and bench.hidden() == [])
    after = int(run("/usr/bin/du", "-sb", namespace).split()[0])
    assert before - after > 5_000_000
    # Once more changes nothing.
    await builder.send(discard(request, bench.path_of(request)))
    await handled(builder)


@pytest.mark.parametrize(
    "where", ["outside", "climbing", "another name", "namespace", "linked parent", "link", "relative"]
)
async def test_discard_is_refused_when_it_is_not_the_prefix_of_that_build_in_the_store(
    bench: Workbench, builder: Builder, where: str
) -> None:
    request = await bench.request(lockfile_of())
    await builder.built(request)
    outside = bench.root / "outside" / request.build_key
    outside.mkdir(parents=True)
    (outside / "precious").touch()
    store, key = bench.store_directory, request.build_key
    (store / "sideways").symlink_to(outside.parent)
    (store / "other").mkdir()
    (store / "other" / key).symlink_to(outside)
    path = {
        "outside": outside,
        "climbing": store / "ns" / ".." / ".." / "outside" / key,
        "another name": store / "ns" / "other-key",
        "namespace": store / "ns",
        "linked parent": store / "sideways" / key,
        "link": store / "other" / key,
        "relative": Path("ns") / key,
    }[where]
    (store / "ns/other-key").mkdir()
    await builder.send(discard(request, path))
    await handled(builder)
    assert (outside / "precious").exists()
    assert (store / "ns/other-key").exists()
    assert bench.path_of(request).exists()
    assert (store / "other" / key).is_symlink()


async def test_discard_waits_for_the_lock_and_the_janitor_remembers(bench: Workbench, builder: Builder) -> None:
    request = await bench.request(lockfile_of())
    await builder.built(request)
    path = bench.path_of(request)
    janitor = DirectoryJanitor(bench.store_directory, bench.store_directory / ".cache", 60.0)
    with locked(lock_of(path), 0.0):
        await builder.send(discard(request, path))
        await builder.ledger.wait_for(lambda: any((bench.store_directory / ".builder/discard").glob("*")))
        janitor.sweep()
        assert path.exists()
        # Longer than the request itself has patience.
        await asyncio.sleep(5.5)
        assert path.exists()
    janitor.sweep()
    assert not path.exists()
    assert list((bench.store_directory / ".builder/discard").iterdir()) == []
