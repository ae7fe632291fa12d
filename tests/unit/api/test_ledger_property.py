"""Whatever order a build's messages arrive in, and however often: it ends alike (design §3.1, §3.3)."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.api.ledger_builders import Ledger, copy_of, open_ledger
from tests.unit.api.ledger_courses import BUILDS, BuildCourse, a_post, with_examples

pytestmark = pytest.mark.slow

World = tuple[asyncio.Runner, Ledger]
SEEDS = st.integers(0, 2**32)


@pytest.fixture(scope="module")
def world(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A loop and a ledger that all examples share."""
    directory = tmp_path_factory.mktemp("property")
    with asyncio.Runner() as runner:
        opened = open_ledger(copy_of(sqlite_template, directory), directory / "objects")
        yield runner, runner.run(opened.__aenter__())
        runner.run(opened.__aexit__(None, None, None))


@with_examples(8)
@given(course=BUILDS, seed=SEEDS)
def test_build_ends_alike_whatever_the_order_and_number_of_its_messages(
    world: World, course: BuildCourse, seed: int
) -> None:
    async def example() -> None:
        post = await a_post(world[1], [course], seed)
        await post.deliver_all()
        await post.check()

    world[0].run(example())


@with_examples(4)
@given(pair=st.tuples(BUILDS, BUILDS), seed=SEEDS)
def test_newest_completed_build_becomes_current_whatever_completes_first(
    world: World, pair: tuple[BuildCourse, BuildCourse], seed: int
) -> None:
    async def example() -> None:
        post = await a_post(world[1], pair, seed)
        await post.deliver_all()
        await post.check()
        await post.check_current()

    world[0].run(example())


@with_examples(6)
@given(course=BUILDS, seed=SEEDS, cancel_after=st.integers(0, 12))
def test_build_ends_in_one_state_whenever_it_is_canceled(
    world: World, course: BuildCourse, seed: int, cancel_after: int
) -> None:
    async def example() -> None:
        post = await a_post(world[1], [course], seed)
        post.cancel_after = cancel_after
        await post.deliver_all()
        await post.check_canceled()

    world[0].run(example())
