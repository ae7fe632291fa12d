"""What a stage's worker says when its work crashes, or fails with more to tell than a message can carry."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.bus.port import Subscription
from conda_store_shared.contracts.envelope import Envelope
from conda_store_shared.contracts.events import AttemptEvent, SolveRequested, StageFailed, StageStarted
from conda_store_shared.contracts.topology import API, queue_name
from conda_store_shared.domain.stage import SOLVE, FailureCode
from conda_store_shared.errors import StageFailure
from conda_store_shared.storage.filesystem import FilesystemStore
from conda_store_shared.testing.bus_messages import an_envelope
from conda_store_shared.worker.stage import StageContext, StageOptions, StageWorker

pytestmark = pytest.mark.slow

Work = Callable[[SolveRequested, StageContext], Awaitable[AttemptEvent]]


async def hear(work: Work, directory: Path, heard: list[Any]) -> None:
    """Handle one request with ``work``; ``heard`` gets what the worker says, in its order."""
    bus = MemoryBus()

    async def listen(envelope: Envelope) -> None:
        heard.append(envelope.event)

    for event in (StageStarted, StageFailed):
        bus.subscribe(Subscription(queue=queue_name(API, event), handler=listen))
    async with FilesystemStore(directory) as store:
        worker = StageWorker(StageOptions(source="solver"), bus=bus, store=store)
        request = SolveRequested(build_id=1, build_key="key-1", order_digest="0" * 64)
        running = asyncio.create_task(bus.run())
        try:
            await worker.handler(lambda _request: SOLVE, work)(an_envelope(request))
        finally:
            await asyncio.sleep(0.05)
            running.cancel()
            await asyncio.wait([running])


async def test_worker_says_that_it_began_when_its_work_crashes_at_once(tmp_path: Path) -> None:
    async def crash(request: SolveRequested, context: StageContext) -> AttemptEvent:
        raise KeyError("a field of a newer release")

    heard: list[Any] = []
    with pytest.raises(KeyError):
        await hear(crash, tmp_path, heard)
    assert [type(event) for event in heard] == [StageStarted]


async def test_worker_tells_a_failure_in_a_message_that_can_be_read_when_it_is_very_long(tmp_path: Path) -> None:
    async def fail(request: SolveRequested, context: StageContext) -> AttemptEvent:
        detail = "https://ann:secret@channel.example/\x00\udcff" + "└─ no version fits\n" * 200_000
        raise StageFailure(FailureCode.UNSATISFIABLE, detail)

    heard: list[Any] = []
    await hear(fail, tmp_path, heard)
    failure = heard[-1]
    assert isinstance(failure, StageFailed)
    assert failure.code == "unsatisfiable"
    assert failure.detail.startswith("https://***@channel.example/?└─ no version fits\n")
    assert "characters in all" in failure.detail[-80:]
