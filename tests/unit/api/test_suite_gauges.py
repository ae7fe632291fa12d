"""Figures of the suite, as Prometheus reads them."""

from tests.unit.api.api_client import open_api
from tests.unit.api.ledger_builders import Ledger


async def test_every_figure_has_its_line_when_nothing_was_built(ledger: Ledger) -> None:
    async with open_api(ledger) as api:
        lines = (await api.client.get("/metrics")).text.splitlines()
    for name in ("build_queued", "build_building", "build_completed", "build_failed", "build_canceled"):
        assert f"conda_store_{name} 0.0" in lines
    for name in ("environments", "disk_free", "disk_total", "disk_usage"):
        assert f"conda_store_{name} 0.0" in lines


async def test_builds_are_counted_by_status(ledger: Ledger) -> None:
    async with open_api(ledger) as api:
        await api.submit()
        lines = (await api.client.get("/metrics")).text.splitlines()
    assert {"conda_store_build_queued 1.0", "conda_store_environments 1.0"} <= set(lines)


async def test_nobody_inspects_workers_that_are_not_there(ledger: Ledger) -> None:
    async with open_api(ledger) as api:
        answer = await api.client.get("/celery")
    assert set(answer.json().values()) == {None}
    assert set(answer.json()) == {"availability", "stats", "registered_tasks", "active_tasks", "scheduled_tasks"}
