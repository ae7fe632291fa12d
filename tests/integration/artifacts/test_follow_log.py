"""Following a log while it is written, on both databases."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import pytest

from conda_store_artifacts.background import LogWatch
from conda_store_artifacts.domain.followed_log import LogEnd, LogText, StageMark
from conda_store_artifacts.domain.log_position import LogPosition
from conda_store_artifacts.use_cases.follow_log import FollowTools, LogFollower, News, has_ended
from conda_store_shared.db.engine import Database
from conda_store_shared.errors import NotAuthorized
from tests.integration.artifacts.download_service import DownloadService


async def everybody() -> None:
    """Let everybody read."""


class Reader:
    """Somebody who follows the log of build 1 in a task, as long as the block lasts."""

    def __init__(self, tools: FollowTools) -> None:
        self.may_read = True
        self.is_refused = asyncio.Event()
        self.news: asyncio.Queue[News] = asyncio.Queue()
        self._tools = tools

    async def read(self) -> None:
        follower = LogFollower(1, LogPosition(), tools=self._tools, require_right=self._require_right)
        try:
            while (news := await follower.take(0.3)) is not None:
                for each in news:
                    self.news.put_nowait(each)
        except NotAuthorized:
            self.is_refused.set()
        finally:
            follower.close()

    async def next(self) -> str:
        async with asyncio.timeout(10):
            return in_short(await self.news.get())

    async def _require_right(self) -> None:
        if not self.may_read:
            raise NotAuthorized("request not authorized")


def in_short(news: News) -> str:
    """What was told, in short."""
    match news:
        case LogText():
            return news.text.strip()
        case StageMark():
            return f"[{news.stage} {news.attempt} {news.state}]"
        case LogEnd():
            return f"{news.reason} {news.status}"


@pytest.fixture
async def tools(database: Database) -> AsyncIterator[FollowTools]:
    """Following, with the watch over logs running."""
    tools = FollowTools(database=database, check=0.2)
    watch = asyncio.create_task(LogWatch(database=database, notices=tools.notices, interval=0.02).run())
    yield tools
    watch.cancel()
    await asyncio.wait([watch])


@asynccontextmanager
async def reading(tools: FollowTools) -> AsyncIterator[Reader]:
    """Somebody who reads in the block."""
    reader = Reader(tools)
    task = asyncio.create_task(reader.read())
    yield reader
    task.cancel()
    await asyncio.wait([task])


async def test_follower_is_told_a_log_as_it_is_written(service: DownloadService, tools: FollowTools) -> None:
    async with reading(tools) as reader, reading(tools) as other:
        await service.begin_attempt("aa", 1)
        await service.add_log("aa", 0, "one\n")
        for each in (reader, other):
            assert [await each.next(), await each.next()] == ["[solve 1 running]", "one"]
        await service.add_log("aa", 2, "three\n")
        await service.add_log("aa", 1, "two\n")
        assert [await reader.next(), await reader.next()] == ["two", "three"]
        await service.end_attempt("aa", "worker_lost")
        assert await reader.next() == "[solve 1 worker_lost]"
        await service.begin_attempt("bb", 2)
        await service.add_log("bb", 0, "again\n", began=5)
        assert [await reader.next(), await reader.next()] == ["[solve 2 running]", "again"]
        await service.end_attempt("bb", "done")
        await service.become("COMPLETED")
        await service.store_log("the whole\n")
        assert [await reader.next(), await reader.next()] == ["[solve 2 done]", "complete COMPLETED"]


async def some_lines(tools: FollowTools, position: LogPosition) -> tuple[list[str], LogPosition, bool]:
    """Read seven lines, then break off; return them, the position after them, and whether that was the end."""
    lines: list[str] = []
    follower = LogFollower(1, position, tools=tools, require_right=everybody)
    with closing(follower):
        while (news := await follower.take(1)) is not None:
            for each in news:
                if isinstance(each, LogText):
                    lines.append(each.text)
                    position = each.position
                if len(lines) == 7:
                    return lines, position, False
    return lines, position, True


async def test_follower_who_breaks_off_misses_nothing_and_is_told_nothing_twice(
    service: DownloadService, tools: FollowTools
) -> None:
    written = [f"line {sequence}\n" for sequence in range(24)]
    for sequence, line in enumerate(written):
        await service.add_log("aa", sequence, line)
    await service.store_log("the whole\n")
    lines: list[str] = []
    position, is_over = LogPosition(), False
    while not is_over:
        some, position, is_over = await some_lines(tools, position)
        lines += some
    assert lines == written
    async with service.database.session() as session:
        assert await has_ended(session, 1, position)
        assert not await has_ended(session, 1, LogPosition())


async def test_follower_of_a_deleted_build_is_told_that_nothing_comes(
    service: DownloadService, tools: FollowTools
) -> None:
    async with reading(tools) as reader:
        await service.add_log("aa", 0, "one\n")
        assert [await reader.next(), await reader.next()] == ["[solve 1 running]", "one"]
        await service.delete_build()
        assert await reader.next() == "deleted BUILDING"


async def test_follower_who_loses_the_right_is_told_nothing_more(service: DownloadService, tools: FollowTools) -> None:
    async with reading(tools) as reader:
        await service.add_log("aa", 0, "one\n")
        assert [await reader.next(), await reader.next()] == ["[solve 1 running]", "one"]
        reader.may_read = False
        await service.add_log("aa", 1, "secret\n")
        await reader.is_refused.wait()
        assert reader.news.empty()
