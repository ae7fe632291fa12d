"""What is known of a source that is slow, away, or has changed its mind."""

import asyncio
from collections.abc import Iterator

import pytest

from conda_store_shared.errors import DatabaseUnavailable
from conda_store_shared.web import last_known
from conda_store_shared.web.last_known import LastKnown


class Source:
    """Answers with how often it was asked, as long as ``away`` is not set."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.away = False
        self.slow: asyncio.Event | None = None

    async def __call__(self, key: str) -> str:
        self.asked.append(key)
        if self.slow:
            await self.slow.wait()
        if self.away:
            raise DatabaseUnavailable("the database cannot be reached")
        return f"{key}{self.asked.count(key)}"


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose clock can be put forward."""

    ahead = 0.0

    def time(self) -> float:
        return super().time() + self.ahead


@pytest.fixture
def loop() -> Iterator[Loop]:
    opened = Loop()
    yield opened
    opened.close()


@pytest.fixture
def source() -> Source:
    return Source()


def test_source_is_asked_once_while_its_answer_is_fresh(loop: Loop, source: Source) -> None:
    async def ask() -> None:
        known = LastKnown(source, seconds=2)
        assert [await known.get(key) for key in "aaba"] == ["a1", "a1", "b1", "a1"]
        loop.ahead += 2.5
        assert [await known.get(key) for key in "aa"] == ["a2", "a2"]

    loop.run_until_complete(ask())


def test_source_is_asked_each_time_when_nothing_is_to_be_remembered(loop: Loop, source: Source) -> None:
    async def ask() -> None:
        known = LastKnown(source, seconds=0)
        assert [await known.get("a") for _ in range(3)] == ["a1", "a2", "a3"]
        source.away = True
        with pytest.raises(DatabaseUnavailable):
            await known.get("a")

    loop.run_until_complete(ask())


def test_last_answer_stands_while_the_source_is_away_but_not_for_ever(loop: Loop, source: Source) -> None:
    async def ask() -> None:
        known = LastKnown(source, seconds=2)
        await known.get("a")
        source.away = True
        loop.ahead += 3
        assert [await known.get("a") for _ in range(5)] == ["a1"] * 5
        assert len(source.asked) == 2
        with pytest.raises(DatabaseUnavailable):
            await known.get("b")
        loop.ahead += 301
        with pytest.raises(DatabaseUnavailable):
            await known.get("a")
        source.away = False
        assert await known.get("a") == "a4"

    loop.run_until_complete(ask())


def test_nobody_waits_for_long_when_the_source_has_gone_silent(loop: Loop, source: Source) -> None:
    async def ask() -> None:
        known = LastKnown(source, seconds=2)
        await known.get("a")
        source.slow = asyncio.Event()
        loop.ahead += 3
        async with asyncio.TaskGroup() as group:
            asking = [group.create_task(known.get("a")) for _ in range(10)]
            await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
            assert sum(task.done() for task in asking) == 9
            loop.ahead += 1.5
        assert {task.result() for task in asking} == {"a1"}
        assert len(source.asked) == 2

    loop.run_until_complete(ask())


def test_others_may_ask_when_the_one_that_did_has_given_up(loop: Loop, source: Source) -> None:
    async def ask() -> None:
        known = LastKnown(source, seconds=2)
        await known.get("a")
        source.slow = asyncio.Event()
        loop.ahead += 3
        task = asyncio.create_task(known.get("a"))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        source.slow = None
        assert await known.get("a") == "a3"

    loop.run_until_complete(ask())


def test_answers_that_are_forgotten_are_asked_for_again(loop: Loop, source: Source) -> None:
    async def ask() -> None:
        known = LastKnown(source, seconds=2)
        await known.get("a")
        known.forget()
        assert await known.get("a") == "a2"

    loop.run_until_complete(ask())


def test_oldest_answers_go_when_there_are_many(loop: Loop, source: Source) -> None:
    async def ask() -> None:
        known = LastKnown(source, seconds=60)
        for number in range(last_known.KEPT + 1):
            await known.get(str(number))
        source.asked.clear()
        await known.get(str(last_known.KEPT))
        await known.get("0")
        assert source.asked == ["0"]

    loop.run_until_complete(ask())
