"""A turn: one process has it, and when it does not live any more another one has it within seconds."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from conda_store_shared.db.engine import Database
from conda_store_shared.db.turns import APPLICATION, Turn
from conda_store_shared.testing.servers import TcpProxy
from conda_store_shared.testing.servers.process import wait_until

SECONDS = 1.5
HOLDER = """
import asyncio
import sys
from pathlib import Path
from conda_store_shared.db.engine import Database
from conda_store_shared.db.turns import Turn

async def main(url, file):
    async def work():
        Path(file).touch()
        await asyncio.Event().wait()
    async with Database(url) as database:
        await Turn(database, "test", seconds=1.5).run(work)

asyncio.run(main(*sys.argv[1:]))
"""


class Worker:
    """Somebody who wants the turn, and notes when it has it."""

    def __init__(self, database: Database) -> None:
        self.turn = Turn(database, "test", seconds=SECONDS)
        self.has_begun = asyncio.Event()
        self.has_ended = asyncio.Event()

    async def work(self) -> None:
        self.has_begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.has_ended.set()


@asynccontextmanager
async def wanting(url: str) -> AsyncIterator[Worker]:
    async with Database(url) as database:
        worker = Worker(database)
        task = asyncio.create_task(worker.turn.run(worker.work))
        try:
            yield worker
        finally:
            task.cancel()
            await asyncio.wait([task])


@asynccontextmanager
async def holding(url: str, directory: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that has the turn."""
    mark = directory / "has-begun"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", HOLDER, url, str(mark))
    try:
        assert await asyncio.to_thread(wait_until, mark.exists, 20)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def soon(event: asyncio.Event, seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        await event.wait()


async def cut_off(url: str) -> int:
    """End the connections of turns, as a restart of the server does."""
    async with Database(url) as database, database.session() as session:
        ended = text(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = :name AND datname = current_database()"
        )
        return len((await session.execute(ended, {"name": APPLICATION})).all())


async def test_turn_is_one_workers_until_it_ends(empty_postgres_url: str) -> None:
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(wanting(empty_postgres_url))
        await soon(first.has_begun)
        async with wanting(empty_postgres_url) as second:
            # Longer than a silent holder would be left alone.
            await asyncio.sleep(1.5 * SECONDS)
            assert (first.turn.is_held, second.has_begun.is_set()) == (True, False)
            await stack.aclose()
            await soon(second.has_begun)
            assert not first.turn.is_held


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
async def test_turn_goes_on_when_its_holder_is_killed_or_stopped(
    empty_postgres_url: str, tmp_path: Path, number: signal.Signals
) -> None:
    async with holding(empty_postgres_url, tmp_path) as process, wanting(empty_postgres_url) as worker:
        await asyncio.sleep(0.3)
        assert not worker.has_begun.is_set()
        os.kill(process.pid, number)
        began = time.monotonic()
        await soon(worker.has_begun)
        assert time.monotonic() - began < SECONDS + 3


async def test_work_ends_when_the_connection_is_cut_and_begins_again(empty_postgres_url: str) -> None:
    async with wanting(empty_postgres_url) as worker:
        await soon(worker.has_begun)
        worker.has_begun.clear()
        assert await cut_off(empty_postgres_url) == 1
        await soon(worker.has_ended)
        await soon(worker.has_begun)


async def test_work_ends_and_begins_again_when_its_process_stood_still(empty_postgres_url: str) -> None:
    async with wanting(empty_postgres_url) as worker:
        await soon(worker.has_begun)
        worker.has_begun.clear()
        # As long as it takes the server to give it up.
        time.sleep(2 * SECONDS)  # noqa: ASYNC251 - nothing of this process is to run
        assert not worker.turn.is_held
        await soon(worker.has_ended)
        await soon(worker.has_begun)


async def test_work_ends_before_the_turn_is_anothers_when_the_network_is_gone(empty_postgres_url: str) -> None:
    address = make_url(empty_postgres_url)
    with TcpProxy(address.port or 5432) as proxy:
        behind = address.set(port=proxy.port).render_as_string(hide_password=False)
        async with wanting(behind) as far:
            await soon(far.has_begun)
            async with wanting(empty_postgres_url) as near:
                proxy.black_hole = True
                await soon(near.has_begun)
                assert far.has_ended.is_set()
                assert not far.turn.is_held
                proxy.heal()


async def test_turn_is_always_that_of_the_only_process(tmp_path: Path) -> None:
    async with wanting(f"sqlite:///{tmp_path / 'one.sqlite'}") as worker:
        await soon(worker.has_begun)
        assert worker.turn.is_held
