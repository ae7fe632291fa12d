"""What was sent to a webhook, over HTTP, and having it sent again; on every database."""

from datetime import timedelta
from typing import Any

from conda_store_api.domain.webhook import PING, DeliveryKind, DeliveryState, WebhookState
from conda_store_api.use_cases.forget_deliveries import forget_deliveries
from conda_store_shared.domain.public_event import PublicEventType
from tests.unit.api.api_client import Api
from tests.unit.api.ledger_builders import NOON, Ledger
from tests.unit.api.webhook_rows import ATTEMPT, add_delivery, add_events, change_row, deliveries, made, told

COMPLETED, FAILED = PublicEventType.BUILD_COMPLETED, PublicEventType.BUILD_FAILED
WAITING: dict[str, Any] = {"state": DeliveryState.PENDING, "attempts": [], "finished_on": None}
LATER = NOON + timedelta(hours=5)


async def replay(api: Api, webhook_id: int, caller: str = "owner", **body: Any) -> Any:
    """Have events sent again; what is answered."""
    answer = await api.ask("POST", f"/webhook/{webhook_id}/replay/", caller, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


class WebhookDeliveriesSuite:
    """Suites below run on the ledger of their directory."""

    async def test_delivery_shows_its_event_its_message_and_every_attempt(self, api: Api, ledger: Ledger) -> None:
        webhook = await made(api)
        (event,) = await add_events(ledger, COMPLETED)
        delivery_id = await add_delivery(ledger, webhook["id"], event)
        (delivery,) = await deliveries(api, webhook["id"])
        assert delivery == {
            "id": delivery_id,
            "kind": "event",
            "state": "delivered",
            "type": "build.completed",
            "event_id": str(event),
            "message_id": f"evt_{event}",
            "attempts": [ATTEMPT],
            "not_before": None,
            "created_on": "2026-11-22T12:00:00Z",
            "finished_on": "2026-11-22T12:00:00Z",
        }
        one = await api.get(f"/webhook/{webhook['id']}/delivery/{delivery_id}/", "owner")
        assert one.json()["data"] == delivery

    async def test_delivery_of_another_webhook_is_not_there(self, api: Api, ledger: Ledger) -> None:
        webhook, other = await made(api), await made(api, namespace=None)
        (event,) = await add_events(ledger, COMPLETED)
        path = f"/webhook/{webhook['id']}/delivery/{await add_delivery(ledger, other['id'], event)}/"
        missing = (404, "delivery does not exist")
        assert told(await api.get(path, "owner")) == missing
        assert told(await api.ask("POST", f"{path}replay/", "owner")) == missing
        assert told(await api.ask("POST", f"{path}skip/", "owner")) == missing
        assert await deliveries(api, webhook["id"]) == []

    async def test_deliveries_come_newest_first_page_after_page_and_filtered(self, api: Api, ledger: Ledger) -> None:
        webhook = await made(api)
        events = await add_events(ledger, *[COMPLETED] * 5)
        ids = [await add_delivery(ledger, webhook["id"], event) for event in events]
        failed = await add_delivery(ledger, webhook["id"], events[0], kind="replay", state="failed")
        first = (await api.get(f"/webhook/{webhook['id']}/delivery/", "owner", params={"limit": 4})).json()
        rest = await deliveries(api, webhook["id"], limit=4, cursor=first["cursor"])
        assert [each["id"] for each in (*first["data"], *rest)] == [failed, *reversed(ids)]
        assert [each["id"] for each in await deliveries(api, webhook["id"], state="failed", kind="replay")] == [failed]
        assert await deliveries(api, webhook["id"], kind="ping") == []
        bad = await api.get(f"/webhook/{webhook['id']}/delivery/", "owner", params={"state": "lost"})
        assert bad.status_code == 422

    async def test_ping_waits_to_be_sent_whatever_the_state(self, api: Api, ledger: Ledger) -> None:
        webhook = await made(api)
        for state in WebhookState:
            await change_row(ledger, webhook["id"], state=state)
            added = (await api.ask("POST", f"/webhook/{webhook['id']}/ping/", "owner")).json()["data"]["delivery_id"]
            ping = (await deliveries(api, webhook["id"], kind="ping"))[0]
            assert (ping["id"], ping["state"], ping["type"], ping["event_id"]) == (added, "pending", PING, None)
            assert ping["message_id"] == f"ping_{added}"

    async def test_event_is_sent_again_with_the_id_it_had(self, api: Api, ledger: Ledger) -> None:
        webhook = await made(api)
        (event,) = await add_events(ledger, COMPLETED)
        path = f"/webhook/{webhook['id']}/delivery/{await add_delivery(ledger, webhook['id'], event)}/replay/"
        added = [(await api.ask("POST", path, "owner")).json()["data"]["delivery_id"] for _ in range(2)]
        again = await deliveries(api, webhook["id"], kind="replay")
        assert [each["id"] for each in again] == added[::-1]
        assert {(each["state"], each["message_id"], each["type"]) for each in again} == {
            ("pending", f"evt_{event}", "build.completed")
        }

    async def test_replay_is_refused_of_what_cannot_be_sent_again_now(self, api: Api, ledger: Ledger) -> None:
        webhook = await made(api)
        path = f"/webhook/{webhook['id']}"
        events = await add_events(ledger, COMPLETED, COMPLETED)
        waiting = await add_delivery(ledger, webhook["id"], events[0], **WAITING)
        over = await add_delivery(ledger, webhook["id"], events[1])
        ping = (await api.ask("POST", f"{path}/ping/", "owner")).json()["data"]["delivery_id"]
        assert "is a ping" in told(await api.ask("POST", f"{path}/delivery/{ping}/replay/", "owner"))[1]
        status, message = told(await api.ask("POST", f"{path}/delivery/{waiting}/replay/", "owner"))
        assert (status, "waits to be sent" in message) == (409, True)
        await api.ask("PUT", f"{path}/", "owner", json={"state": "paused"})
        paused = (409, f'webhook {webhook["id"]} is paused; PUT {{"state": "active"}} first')
        assert told(await api.ask("POST", f"{path}/delivery/{over}/replay/", "owner")) == paused
        assert told(await api.ask("POST", f"{path}/replay/", "owner", json={"after": 0})) == paused

    async def test_span_of_events_is_sent_again_as_far_as_the_webhook_has_come(self, api: Api, ledger: Ledger) -> None:
        webhook = await made(api, types=["build.*"])
        events = await add_events(ledger, COMPLETED, PublicEventType.ENVIRONMENT_DELETED, FAILED, FAILED, COMPLETED)
        await add_events(ledger, COMPLETED, namespace="other")
        await change_row(ledger, webhook["id"], position=events[3])
        assert await replay(api, webhook["id"], after=events[0] - 1) == {"deliveries": 3, "after": None}
        again = [int(each["event_id"]) for each in await deliveries(api, webhook["id"], kind="replay")]
        assert again == [events[3], events[2], events[0]]
        for body, expected in (
            ({"after": str(events[0]), "before": events[3]}, 1),
            ({"after": 0, "types": ["build.completed"]}, 1),
            ({"after": 0, "types": ["environment.deleted"]}, 0),
            ({"since": "2026-11-22T12:00:00Z", "until": "2026-11-22T12:00:01Z"}, 3),
            ({"since": "2026-11-22T15:00:00+02:00"}, 0),
        ):
            assert (await replay(api, webhook["id"], **body))["deliveries"] == expected, body

    async def test_span_has_only_what_may_be_read(self, api: Api, ledger: Ledger) -> None:
        webhook = await made(api, "viewer", namespace=None)
        await add_events(ledger, COMPLETED, PublicEventType.SETTINGS_CHANGED)
        events = await add_events(ledger, COMPLETED, namespace="other")
        await change_row(ledger, webhook["id"], position=events[-1])
        await replay(api, webhook["id"], "viewer", since="2026-11-22T12:00:00Z", until="2026-11-22T12:00:01Z")
        assert [each["type"] for each in await deliveries(api, webhook["id"], "viewer")] == ["build.completed"]

    async def test_span_goes_on_where_it_ended_when_there_are_more_than_may_wait(
        self, api: Api, ledger: Ledger
    ) -> None:
        webhook = await made(api)
        events = await add_events(ledger, *[COMPLETED] * 1002)
        await change_row(ledger, webhook["id"], position=events[-1])
        path = f"/webhook/{webhook['id']}/"
        first = await replay(api, webhook["id"], after=events[0])
        assert first == {"deliveries": 1000, "after": str(events[1000])}
        full = f"1000 pings and replays of webhook {webhook['id']} wait already; let some go first"
        assert told(await api.ask("POST", f"{path}replay/", "owner", json={"after": 0})) == (409, full)
        assert told(await api.ask("POST", f"{path}ping/", "owner")) == (409, full)

    async def test_span_that_makes_no_sense_is_refused(self, api: Api) -> None:
        webhook = await made(api)
        for body, status in (
            ({}, 400),
            ({"after": 0, "types": ["x"]}, 400),
            ({"after": -1}, 422),
            ({"since": "yesterday"}, 422),
            ({"since": "2026-11-22T12:00:00"}, 422),
            ({"since": "0001-01-01T00:00:00+23:00"}, 422),
        ):
            answer = await api.ask("POST", f"/webhook/{webhook['id']}/replay/", "owner", json=body)
            assert answer.status_code == status, body

    async def test_what_waits_is_due_at_once_when_the_one_before_is_skipped_or_the_webhook_changed(
        self, api: Api, ledger: Ledger
    ) -> None:
        webhook = await made(api)
        events = await add_events(ledger, COMPLETED, COMPLETED)
        ids = [await add_delivery(ledger, webhook["id"], event, **WAITING, not_before=LATER) for event in events]
        path = f"/webhook/{webhook['id']}/"
        assert told(await api.ask("POST", f"{path}delivery/{ids[0]}/skip/", "owner")) == (200, "delivery skipped")
        waiting, skipped = await deliveries(api, webhook["id"])
        assert (skipped["state"], skipped["finished_on"] is None) == ("skipped", False)
        assert (waiting["state"], waiting["not_before"]) == ("pending", None)
        over = f"delivery {ids[0]} is over already: skipped"
        assert told(await api.ask("POST", f"{path}delivery/{ids[0]}/skip/", "owner")) == (409, over)
        again = {**WAITING, "kind": DeliveryKind.REPLAY, "not_before": LATER}
        third = await add_delivery(ledger, webhook["id"], events[0], **again)
        await api.ask("PUT", path, "owner", json={})
        assert [each["not_before"] for each in await deliveries(api, webhook["id"]) if each["id"] == third] == [None]

    async def test_deliveries_that_were_over_long_ago_are_forgotten(self, api: Api, ledger: Ledger) -> None:
        webhook = await made(api)
        events = await add_events(ledger, *[COMPLETED] * 4)
        old = NOON - timedelta(days=31)
        for event in events[:2]:
            await add_delivery(ledger, webhook["id"], event, finished_on=old)
        kept = [
            await add_delivery(ledger, webhook["id"], events[2], finished_on=NOON - timedelta(days=29)),
            await add_delivery(ledger, webhook["id"], events[3], **WAITING),
        ]
        assert await forget_deliveries(ledger.transactions, 30, NOON) == 2
        assert [each["id"] for each in await deliveries(api, webhook["id"])] == kept[::-1]
