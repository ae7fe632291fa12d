"""Figures of the suite, as Prometheus reads them."""

from conda_store_api.repositories.waiting import count_messages, count_stages
from conda_store_shared.db.moments import now
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


async def test_what_waits_is_counted_with_the_age_of_the_oldest(ledger: Ledger) -> None:
    async with open_api(ledger) as api:
        await api.submit()
        samples = dict(line.rsplit(" ", 1) for line in (await api.client.get("/metrics")).text.splitlines())
    assert samples['conda_store_builds_unfinished{rank="queued"}'] == "1.0"
    assert samples['conda_store_builds_unfinished{rank="building"}'] == "0.0"
    assert 0 <= float(samples['conda_store_oldest_build_age_seconds{rank="queued"}']) < 60
    assert samples['conda_store_outbox_messages{service="api"}'] == "0.0"
    assert samples['conda_store_queue_messages{queue="solver.solve.requested.dead"}'] == "0.0"


async def test_stages_and_messages_that_are_not_over_are_counted(ledger: Ledger) -> None:
    await ledger.submit()
    await ledger.release()
    async with ledger.database.session() as session:
        [stage] = await count_stages(session)
        [message] = await count_messages(session)
    assert (stage.kind, stage.count) == (("solve", "requested"), 1)
    assert (message.kind, message.count) == (("api",), 1)
    assert message.oldest is not None
    assert abs((message.oldest - now()).total_seconds()) < 60


async def test_nobody_inspects_workers_that_are_not_there(ledger: Ledger) -> None:
    async with open_api(ledger) as api:
        answer = await api.client.get("/celery")
    assert set(answer.json().values()) == {None}
    assert set(answer.json()) == {"availability", "stats", "registered_tasks", "active_tasks", "scheduled_tasks"}
