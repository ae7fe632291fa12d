"""The log of events over HTTP: what it tells, to whom, and page after page; on every database."""

from datetime import datetime
from typing import Any

import pytest

from conda_store_shared.db.models import PublicEvent
from conda_store_shared.domain.public_event import NEEDED, PublicEventType
from conda_store_shared.domain.stage import PREFIX, SOLVE
from conda_store_shared.testing.public_events import an_event
from tests.unit.api.api_client import Api
from tests.unit.api.ledger_builders import NOON, Attempt, Ledger

_PREFIX = "conda-store.events."
SUBMITTED = ["namespace.created", "environment.created", "build.queued"]


async def listed(api: Api, caller: str | None = "admin", **query: Any) -> list[dict[str, Any]]:
    """The events that a caller sees, oldest first."""
    answer = await api.get("/event/", caller, params={"order": "asc", **query})
    assert answer.status_code == 200, answer.text
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


async def told(api: Api, caller: str | None = "admin", **query: Any) -> list[str]:
    """Their types, without what all have."""
    return [event["type"].removeprefix(_PREFIX).removesuffix(".v1") for event in await listed(api, caller, **query)]


async def write(ledger: Ledger, *events: PublicEvent) -> None:
    """Leave events in the log."""
    async with ledger.transactions.begin() as transaction:
        for event in events:
            transaction.record(event)


class EventListsSuite:
    """Suites below run on the ledger of their directory."""

    async def test_event_is_a_cloud_event_with_links(self, api: Api) -> None:
        submitted = await api.submit(caller="owner")
        build_id = submitted.json()["data"]["build_id"]
        event = (await listed(api))[-1]
        when = datetime.fromisoformat(event.pop("time"))
        assert when.tzinfo is not None
        assert event.pop("data").keys() == {"namespace", "environment", "build_id", "build_key", "links"}
        identifier = event.pop("id")
        assert event == {
            "specversion": "1.0",
            "source": "/api/v1/",
            "type": "conda-store.events.build.queued.v1",
            "subject": "team/weather",
            "datacontenttype": "application/json",
            "actor": "owner",
        }
        (again,) = await listed(api, type="build.queued", build_id=build_id)
        assert again["id"] == identifier
        assert again["data"]["links"] == {
            "namespace": "/api/v1/namespace/team/",
            "environment": "/api/v1/environment/team/weather/",
            "build": f"/api/v1/build/{build_id}/",
            "logs": f"/api/v1/build/{build_id}/logs/",
        }

    async def test_newest_come_first_unless_asked_otherwise(self, api: Api) -> None:
        await api.submit()
        answer = (await api.get("/event/")).json()["data"]
        assert [event["id"] for event in answer] == [event["id"] for event in reversed(await listed(api))]

    @pytest.mark.parametrize("order", ["asc", "desc"])
    async def test_pages_have_each_event_once_though_more_come(self, api: Api, order: str) -> None:
        await api.submit()
        query: dict[str, Any] = {"order": order, "limit": 2}
        first = (await api.get("/event/", params=query)).json()
        await api.submit("name: other\nchannels: [conda-forge]\ndependencies: [python]\n")
        seen, cursor = [event["id"] for event in first["data"]], first["cursor"]
        while cursor is not None:
            page = (await api.get("/event/", params={**query, "cursor": cursor})).json()
            seen += [event["id"] for event in page["data"]]
            cursor = page["cursor"]
        assert seen == sorted(set(seen), key=int, reverse=order == "desc")
        assert len(seen) == (5 if order == "asc" else 3)

    async def test_filters_leave_what_fits_all_of_them(self, api: Api) -> None:
        await api.submit(caller="owner")
        await api.submit(namespace="lab")
        assert await told(api, namespace="team") == SUBMITTED
        assert await told(api, namespace="team", type=["build.queued", "build.failed"]) == ["build.queued"]
        assert await told(api, environment="weather", actor="owner") == ["environment.created", "build.queued"]
        assert await told(api, namespace="nowhere") == []

    @pytest.mark.parametrize("query", [{"type": "build.exploded"}, {"order": "up"}, {"limit": 0}, {"cursor": "x"}])
    async def test_query_that_makes_no_sense_is_refused(self, api: Api, query: dict[str, Any]) -> None:
        assert (await api.get("/event/", params=query)).status_code == 422

    async def test_events_of_places_one_may_not_read_are_not_there(self, api: Api) -> None:
        await api.submit()
        assert await told(api, "viewer") == SUBMITTED
        assert await told(api, "stranger") == await told(api, None) == []

    async def test_each_type_needs_its_permission_where_it_happened(self, api: Api, ledger: Ledger) -> None:
        await write(ledger, *(an_event(kind) for kind in PublicEventType))
        kinds = {caller: set(await told(api, caller)) for caller in ("owner", "viewer", "stranger")}
        assert kinds["owner"] == {kind.value for kind in PublicEventType}
        assert kinds["owner"] - kinds["viewer"] == {"settings.changed"}
        assert kinds["stranger"] == {kind.value for kind, needed in NEEDED.items() if needed is None}
        assert await told(api, None) == []

    async def test_environment_alone_does_not_show_what_its_namespace_is_told(self, api: Api, ledger: Ledger) -> None:
        kind = PublicEventType.SPECIFICATION_REJECTED
        await write(ledger, an_event(kind, "lab", "rain"), an_event(kind, "lab", "snow"), an_event(kind, "lab"))
        assert [event["subject"] for event in await listed(api, "guest")] == ["lab/rain"]

    async def test_artifacts_completed_comes_with_the_last_outcome(self, api: Api, ledger: Ledger) -> None:
        build = await ledger.completed()
        stored, failed = Attempt(build, "artifact.YAML", NOON), Attempt(build, "artifact.CONDA_PACK", NOON)
        await ledger.apply(stored.started(), stored.product())
        assert await told(api, type="build.artifacts_completed") == []
        await ledger.apply(failed.started(), failed.failed("disk_full"))
        (event,) = await listed(api, type="build.artifacts_completed")
        assert (event["data"]["stored"], event["data"]["failed"]) == (["YAML"], ["CONDA_PACK"])
        await ledger.apply(stored.product(), failed.failed("disk_full"))
        assert len(await listed(api, type="build.artifacts_completed")) == 1

    async def test_artifacts_completed_comes_when_the_pending_ones_are_canceled(self, api: Api, ledger: Ledger) -> None:
        await ledger.cancel(await ledger.completed())
        (event,) = await listed(api, type="build.artifacts_completed")
        assert (event["data"]["stored"], event["data"]["failed"]) == ([], ["CONDA_PACK", "YAML"])

    async def test_build_that_wants_no_artifacts_has_them_with_its_prefix(self, api: Api, ledger: Ledger) -> None:
        await api.ask("PUT", "/setting/", json={"build_artifacts": ["LOCKFILE"]})
        build_id = (await api.submit()).json()["data"]["build_id"]
        await ledger.release()
        build = await ledger.build(build_id)
        await ledger.apply(Attempt(build, SOLVE, NOON).product())
        await ledger.put_record(await ledger.build(build_id))
        await ledger.apply(Attempt(build, PREFIX, NOON).product())
        assert (await told(api))[-3:-1] == ["build.completed", "build.artifacts_completed"]
