"""Links end at the newest generation whatever the order; discards remove prefixes and links, and nothing else."""

import asyncio
import itertools
import os
import random
from pathlib import Path

import pytest

from conda_store_builder.adapters.directory_janitor import DirectoryJanitor
from conda_store_builder.adapters.directory_lock import locked
from conda_store_builder.domain.prefix_path import attempt_lock_of, attempt_of, lock_of, trash_of
from conda_store_shared.contracts import events
from tests.integration.builder.conftest import Builder, TinyPackage, Workbench, lockfile_of, run


class Generations:
    """Prefixes by generation, and the requests to link an environment to them."""

    def __init__(self, bench: Workbench) -> None:
        self.link = bench.store_directory / "ns/envs/demo"
        self._root = bench.store_directory / "ns"

    def path(self, generation: int) -> Path:
        return self._root / f"prefix-{generation}"

    def request(self, generation: int, environment_id: int = 0) -> events.LinkRequested:
        self.path(generation).mkdir(parents=True, exist_ok=True)
        return events.LinkRequested(
            build_id=generation,
            build_key=f"prefix-{generation}",
            namespace="ns",
            environment="demo",
            link=str(self.link),
            path=str(self.path(generation)),
            generation=generation,
            environment_id=environment_id,
        )

    def discard(self, generation: int, environment_id: int = 0) -> events.LinkDiscardRequested:
        return events.LinkDiscardRequested(
            environment_id=environment_id, link=str(self.link), generation=generation, discard_id=f"d{generation}"
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
    assert [path.name for path in generations.link.parent.iterdir()] == ["demo"]


async def unlinked(builder: Builder, count: int) -> list[str]:
    """The removals of links that were told of, once there are ``count``."""
    facts = await builder.ledger.wait_for(
        lambda: len(found := builder.ledger.all_of(events.LinkDiscarded)) >= count and found
    )
    return [fact.discard_id for fact in facts]


async def test_link_is_removed_and_does_not_come_back_when_an_older_request_is_late(
    builder: Builder, generations: Generations
) -> None:
    await builder.send(generations.request(2))
    await linked(builder, 1)
    for times in (1, 2):
        await builder.send(generations.discard(3))
        assert await unlinked(builder, times) == ["d3"] * times
        assert list(generations.link.parent.iterdir()) == []
    await builder.send(generations.request(2))
    await builder.send(generations.request(4))
    assert await linked(builder, 2) == [2, 4]
    assert os.readlink(generations.link) == str(generations.path(4))


async def test_link_stays_when_its_removal_is_older(builder: Builder, generations: Generations) -> None:
    await builder.send(generations.request(4))
    await linked(builder, 1)
    await builder.send(generations.discard(3))
    assert await unlinked(builder, 1) == ["d3"]
    assert os.readlink(generations.link) == str(generations.path(4))


async def test_link_of_a_later_environment_stays_when_the_earlier_ones_messages_come(
    builder: Builder, generations: Generations
) -> None:
    await builder.send(generations.request(1, environment_id=8))
    await linked(builder, 1)
    await builder.send(generations.request(6, environment_id=7))
    await builder.send(generations.discard(7, environment_id=7))
    await unlinked(builder, 1)
    assert os.readlink(generations.link) == str(generations.path(1))
    assert await linked(builder, 1) == [1]


async def test_removal_is_told_when_there_never_was_a_link(builder: Builder, generations: Generations) -> None:
    await builder.send(generations.discard(1))
    assert await unlinked(builder, 1) == ["d1"]
    assert not generations.link.parent.exists()


async def test_removal_of_a_link_takes_nothing_that_is_no_link(builder: Builder, generations: Generations) -> None:
    generations.link.mkdir(parents=True)
    (generations.link / "precious").touch()
    await builder.send(generations.discard(1))
    assert await unlinked(builder, 1) == ["d1"]
    assert (generations.link / "precious").exists()


async def test_janitor_forgets_links_that_went_long_ago(
    bench: Workbench, builder: Builder, generations: Generations
) -> None:
    await builder.send(generations.request(1))
    await linked(builder, 1)
    notes = bench.store_directory / ".builder/links"
    janitor = DirectoryJanitor(bench.store_directory, bench.store_directory / ".cache", 60.0)
    for note in notes.iterdir():
        os.utime(note, (0, 0))
    janitor.sweep()
    assert len(list(notes.iterdir())) == 2
    await builder.send(generations.discard(2))
    await unlinked(builder, 1)
    janitor.sweep()
    assert len(list(notes.iterdir())) == 2
    for note in notes.iterdir():
        os.utime(note, (0, 0))
    janitor.sweep()
    assert list(notes.iterdir()) == []


def discard(request: events.BuildEvent, path: Path) -> events.PrefixDiscardRequested:
    return events.PrefixDiscardRequested(
        build_id=request.build_id, build_key=request.build_key, path=str(path), discard_id="d"
    )


async def discarded(builder: Builder, count: int) -> None:
    """Returns once so many discards were told of."""
    await builder.ledger.wait_for(lambda: len(builder.ledger.all_of(events.PrefixDiscarded)) >= count)
    assert {fact.discard_id for fact in builder.ledger.all_of(events.PrefixDiscarded)} == {"d"}


async def test_discard_frees_the_disk_of_a_prefix(bench: Workbench, builder: Builder) -> None:
    big = TinyPackage(name="big", files={"share/big.bin": os.urandom(5_000_000)})
    request = await bench.request(lockfile_of(bench.tiny(big)), link_mode="copy")
    await builder.built(request)
    namespace = bench.store_directory / "ns"
    before = int(run("/usr/bin/du", "-sb", namespace).split()[0])
    await builder.send(discard(request, bench.path_of(request)))
    await discarded(builder, 1)
    assert not bench.path_of(request).exists()
    assert bench.hidden() == []
    after = int(run("/usr/bin/du", "-sb", namespace).split()[0])
    assert before - after > 5_000_000
    # Once more changes nothing.
    await builder.send(discard(request, bench.path_of(request)))
    await discarded(builder, 2)


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
    # Nobody has to ask again for what is never done.
    await discarded(builder, 1)
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
        assert builder.ledger.all_of(events.PrefixDiscarded) == []
    janitor.sweep()
    assert not path.exists()
    assert list((bench.store_directory / ".builder/discard").iterdir()) == []


async def test_discard_takes_what_dead_builders_left_of_the_prefix_and_of_no_other(
    bench: Workbench, builder: Builder
) -> None:
    request, other = await bench.request(lockfile_of()), await bench.request(lockfile_of())
    path = bench.path_of(request)
    unique = "0123456789abcdef0123456789abcdef"
    own = [attempt_of(path, unique), trash_of(path, unique)]
    others = [attempt_of(bench.path_of(other), unique), path.with_name(f".trash-{path.name}-more-{unique}")]
    for directory in (*own, *others):
        (directory / "conda-meta").mkdir(parents=True)
        (directory / "conda-meta").chmod(0o500)
    lock = attempt_lock_of(attempt_of(path, "f" * 32))
    lock.touch()
    await builder.send(discard(request, path))
    await discarded(builder, 1)
    assert not any(left.exists() for left in (*own, lock))
    assert all(left.exists() for left in others)


async def test_discard_is_not_told_while_somebody_works_on_an_attempt(bench: Workbench, builder: Builder) -> None:
    request = await bench.request(lockfile_of())
    attempt = attempt_of(bench.path_of(request), "0" * 32)
    attempt.mkdir(parents=True)
    with locked(attempt_lock_of(attempt), 0.0):
        await builder.send(discard(request, bench.path_of(request)))
        await builder.ledger.wait_for(lambda: any((bench.store_directory / ".builder/discard").glob("*")))
    # It was waited for.
    await discarded(builder, 1)
    assert not attempt.exists()
