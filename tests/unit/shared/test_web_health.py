"""Liveness, readiness."""

import asyncio

import httpx
from structlog.testing import capture_logs

from conda_store_shared.errors import DatabaseUnavailable
from conda_store_shared.web.application import create_application
from conda_store_shared.web.health import Check, Readiness, health_routes


async def works() -> None:
    """Return, as a part that works does."""


async def fails() -> None:
    raise DatabaseUnavailable("password=hunter2 refused")


async def hangs() -> None:
    await asyncio.Event().wait()


def client_of(**checks: Check) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(create_application(health_routes(Readiness(checks))))
    return httpx.AsyncClient(transport=transport, base_url="http://conda-store.example")


async def test_service_is_ready_when_all_its_parts_are() -> None:
    async with client_of(bus=works, storage=works) as client:
        answer = await client.get("/health/ready")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "parts": {"bus": "ok", "storage": "ok"}})


async def test_readiness_names_the_part_that_is_down_and_nothing_more() -> None:
    with capture_logs() as logs:
        async with client_of(bus=works, database=fails) as client:
            answer = await client.get("/health/ready")
    assert (answer.status_code, answer.json()["parts"]) == (503, {"bus": "ok", "database": "error"})
    assert "Retry-After" in answer.headers
    assert "hunter2" not in answer.text
    assert [entry["part"] for entry in logs if entry["event"] == "part_unavailable"] == ["database"]


async def test_service_stays_alive_when_its_parts_are_down() -> None:
    async with client_of(database=fails) as client:
        assert (await client.get("/health/live")).status_code == 200


async def test_readiness_does_not_wait_for_a_part_that_hangs() -> None:
    readiness = Readiness({"storage": hangs, "bus": works}, timeout=0.05)
    with capture_logs():
        async with asyncio.timeout(2):
            assert await readiness.parts() == {"storage": "error", "bus": "ok"}


async def test_parts_are_asked_once_however_many_ask() -> None:
    asked = 0

    async def count() -> None:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.01)

    readiness = Readiness({"bus": count})
    await asyncio.gather(*(readiness.parts() for _ in range(50)))
    assert asked == 1


async def test_part_that_comes_back_is_ok_again() -> None:
    down = asyncio.Event()
    down.set()

    async def sometimes() -> None:
        if down.is_set():
            raise DatabaseUnavailable("gone")

    readiness = Readiness({"database": sometimes}, kept=0.05)
    with capture_logs():
        assert await readiness.parts() == {"database": "error"}
        down.clear()
        await asyncio.sleep(0.06)
        assert await readiness.parts() == {"database": "ok"}
