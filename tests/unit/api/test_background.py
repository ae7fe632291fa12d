"""What api does by itself, and what it does when a part is away (design §3.5, §3.8)."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from conda_store_api.background import Background, ensure_namespace
from conda_store_api.domain.policy import LedgerOptions
from conda_store_api.use_cases.rescue_builds import Tools
from conda_store_api.use_cases.wake import Wake
from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.contracts import events
from conda_store_shared.db.engine import Database
from conda_store_shared.db.models import Build
from conda_store_shared.errors import StorageUnavailable
from conda_store_shared.storage.filesystem import FilesystemStore
from conda_store_shared.storage.object_store import StoredObject
from conda_store_shared.testing.bus_messages import eventually
from conda_store_shared.transaction import Transactions
from tests.unit.api.ledger_builders import Ledger, copy_of, of_type
from tests.unit.shared.settings_builders import some_settings

pytestmark = pytest.mark.slow


class ComingStore(FilesystemStore):
    """A store that is away at first."""

    away = True

    async def put(self, key: str, content: Any, content_type: str) -> StoredObject:
        if self.away:
            raise StorageUnavailable(key)
        return await super().put(key, content, content_type)


def background(ledger: Ledger, store: FilesystemStore | None = None) -> Background:
    options = LedgerOptions(rescue_interval=30, tick=0.01)
    return Background(
        Tools(transactions=ledger.transactions, store=store or ledger.store, bus=MemoryBus(), options=options)
    )


async def released(ledger: Ledger, build: Build) -> None:
    """Return once the build is released."""
    async with asyncio.timeout(5):
        while (await ledger.build(build.id)).released_on is None:  # noqa: ASYNC110 - the row tells only when asked
            await asyncio.sleep(0.01)


async def test_waiting_builds_are_released_at_once_when_one_is_added(ledger: Ledger) -> None:
    loops = background(ledger)
    task = asyncio.create_task(loops.release_forever())
    await asyncio.sleep(0.05)
    build = await ledger.submit()
    loops.wake_release()
    await released(ledger, build)
    assert of_type(await ledger.take(), events.SolveRequested)
    task.cancel()
    await asyncio.wait([task])


async def test_release_waits_when_storage_is_away(ledger: Ledger, tmp_path: Path) -> None:
    store = ComingStore(tmp_path)
    loops = background(ledger, store)
    build = await ledger.submit()
    task = asyncio.create_task(loops.release_forever())
    await asyncio.sleep(0.05)
    assert not task.done()
    assert (await ledger.build(build.id)).released_on is None
    store.away = False
    loops.wake_release()
    await released(ledger, build)
    task.cancel()
    await asyncio.wait([task])


async def test_loop_wakes_when_told_to_or_when_its_time_is_over() -> None:
    wake, woken = Wake(), asyncio.Event()

    async def loop() -> None:
        await wake.wait(30)
        woken.set()

    task = asyncio.create_task(loop())
    await asyncio.sleep(0)
    wake.set()
    await eventually(woken.is_set, 1)
    await wake.wait(0.001)
    await task


async def test_default_namespace_is_made_once_when_the_database_is_there(ledger: Ledger) -> None:
    for _ in range(2):
        await ensure_namespace(ledger.transactions, some_settings(default_namespace="lobby"))
    assert await ledger.namespaces() == ["lobby"]
    assert await ledger.events() == ["namespace.created"]


async def test_default_namespace_waits_when_the_database_is_away(sqlite_template: Path, tmp_path: Path) -> None:
    place = tmp_path / "later"
    async with Database(f"sqlite:///{place / 'ledger.sqlite'}") as away:
        task = asyncio.create_task(ensure_namespace(Transactions(away, "api"), some_settings(), pause=0.01))
        await asyncio.sleep(0.05)
        assert not task.done()
        copy_of(sqlite_template, tmp_path)
        place.mkdir()
        (tmp_path / "ledger.sqlite").rename(place / "ledger.sqlite")
        async with asyncio.timeout(5):
            await task
        assert await Ledger(away, FilesystemStore(tmp_path)).namespaces() == ["default"]
