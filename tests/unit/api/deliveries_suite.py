"""Events reach webhooks: in order, signed, of what each wants and its owner may know; on every database."""

import asyncio
import socket
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial

import pytest

from conda_store_api.domain.webhook import DeliveryKind, DeliveryState, WebhookState
from conda_store_shared.db.moments import now
from conda_store_shared.domain.public_event import PublicEventType
from conda_store_shared.testing.servers.webhook_receiver import Received, says
from tests.unit.api.deliveries_world import (
    COMPLETED,
    OTHER_SECRET,
    SECRET,
    Deliveries,
    firsts,
    ids,
    opened,
    verified,
)
from tests.unit.api.ledger_builders import Ledger

DELIVERED, FAILED, PENDING, SKIPPED = (
    DeliveryState.DELIVERED,
    DeliveryState.FAILED,
    DeliveryState.PENDING,
    DeliveryState.SKIPPED,
)


@pytest.fixture
def deliveries(ledger: Ledger) -> Iterator[Deliveries]:
    """Webhooks of the ledger."""
    with opened(ledger) as deliveries:
        yield deliveries


def has_come_to(path: str, count: int, received: Sequence[Received]) -> bool:
    """Whether so many requests have come to a path."""
    return len(ids(received, path)) >= count


def slowly(connection: socket.socket) -> None:
    """Answer, but not at once."""
    time.sleep(0.2)
    says(204)(connection)


class DeliveriesSuite:
    """Suites below run on the ledger of their directory."""

    async def test_webhook_is_told_of_each_event_in_order_and_signed(self, deliveries: Deliveries) -> None:
        await deliveries.webhook()
        before = await deliveries.happen()
        async with deliveries.dispatching():
            after = await deliveries.happen(PublicEventType.BUILD_QUEUED, COMPLETED, PublicEventType.BUILD_DELETED)
            received = await deliveries.received(4)
            rows = await deliveries.become(*[DELIVERED] * 4)
        assert ids(received) == [*before, *after]
        event = verified(received[-1])
        assert event["type"] == "conda-store.events.build.deleted.v1"
        assert (event["id"], event["actor"]) == (received[-1].id.removeprefix("evt_"), "bob")
        headers = received[-1].headers
        assert headers["content-type"] == "application/cloudevents+json; charset=utf-8"
        assert headers["user-agent"] == "conda-store/1.2"
        assert [len(row.attempts) for row in rows] == [1] * 4
        assert {key: rows[0].attempts[0][key] for key in ("status", "error")} == {"status": 204, "error": None}

    async def test_webhook_is_told_of_its_place_and_types_alone(self, deliveries: Deliveries) -> None:
        await deliveries.webhook("/all")
        await deliveries.webhook("/rain", namespace="lab", environment="rain")
        await deliveries.webhook("/lab", namespace="lab", types=["build.completed", "namespace.*"])
        async with deliveries.dispatching():
            (rain,) = await deliveries.happen(place=("lab", "rain"))
            (sun,) = await deliveries.happen(place=("lab", "sun"))
            (queued,) = await deliveries.happen(PublicEventType.BUILD_QUEUED, place=("lab", "sun"))
            (made,) = await deliveries.happen(PublicEventType.NAMESPACE_CREATED, place=("lab",))
            (last,) = await deliveries.happen()
            received = await deliveries.received(lambda received: ids(received, "/all")[-1:] == [last])
            await deliveries.become(*[DELIVERED] * 9)
        received = deliveries.receiver.received
        assert ids(received, "/all") == [rain, sun, queued, made, last]
        assert ids(received, "/rain") == [rain]
        assert ids(received, "/lab") == [rain, sun, made]

    async def test_webhook_is_not_told_of_what_its_owner_may_not_read(self, deliveries: Deliveries) -> None:
        await deliveries.webhook(owner_bindings={"team/*": ["viewer"], "lab/rain": ["viewer"]})
        async with deliveries.dispatching():
            await deliveries.happen(PublicEventType.SETTINGS_CHANGED, place=("team",))
            await deliveries.happen(place=("lab", "sun"))
            told = await deliveries.happen(place=("lab", "rain"))
            await deliveries.happen(PublicEventType.NAMESPACE_CHANGED, place=("lab",))
            told += await deliveries.happen(PublicEventType.CHANNEL_INDEXED, place=("",))
            told += await deliveries.happen()
            await deliveries.become(*[DELIVERED] * 3)
        assert ids(deliveries.receiver.received) == told

    async def test_event_waits_for_those_before_it_while_a_webhook_fails(self, deliveries: Deliveries) -> None:
        webhook = await deliveries.webhook()
        deliveries.receiver.reply = says(500)
        async with deliveries.dispatching():
            events = await deliveries.happen(COMPLETED, COMPLETED, COMPLETED)
            received = await deliveries.received(3)
            assert ids(received) == [events[0]] * len(received)
            assert (await deliveries.row(webhook)).failing_since is not None
            deliveries.receiver.reply = says(204)
            rows = await deliveries.become(*[DELIVERED] * 3)
        assert firsts(ids(deliveries.receiver.received)) == events
        for each in deliveries.receiver.received:
            verified(each)
        assert {attempt["error"] for attempt in rows[0].attempts[:-1]} == {"it answered 500"}
        assert (await deliveries.row(webhook)).failing_since is None

    async def test_event_is_given_up_after_the_last_attempt_and_the_next_is_sent(self, deliveries: Deliveries) -> None:
        await deliveries.webhook()
        deliveries.receiver.reply = says(400)
        async with deliveries.dispatching():
            events = await deliveries.happen(COMPLETED, COMPLETED)
            await deliveries.received(lambda received: events[1] in ids(received))
            deliveries.receiver.reply = says(200)
            rows = await deliveries.become(FAILED, DELIVERED)
        assert ids(deliveries.receiver.received)[:11] == [events[0]] * 10 + [events[1]]
        assert len(rows[0].attempts) == 10

    async def test_receiver_is_left_alone_for_as_long_as_it_asks(self, deliveries: Deliveries) -> None:
        await deliveries.webhook()
        deliveries.receiver.reply = says(503, "Retry-After: 1")
        async with deliveries.dispatching():
            await deliveries.happen()
            first, second = (await deliveries.received(2))[:2]
        assert second.at - first.at >= 0.9

    async def test_webhook_whose_receiver_is_gone_is_disabled(self, deliveries: Deliveries) -> None:
        webhook = await deliveries.webhook()
        deliveries.receiver.reply = says(410)
        async with deliveries.dispatching() as dispatcher:
            events = await deliveries.happen(COMPLETED, COMPLETED)
            await deliveries.become(FAILED)
            row = await deliveries.row(webhook)
            assert (row.state, row.disabled_reason) == ("disabled", "it answered 410: it wants nothing any more")
            deliveries.receiver.reply = says(204)
            await deliveries.change(webhook, state=WebhookState.ACTIVE, disabled_reason=None)
            dispatcher.wake_webhooks()
            await deliveries.become(FAILED, DELIVERED)
        assert ids(deliveries.receiver.received) == events

    async def test_webhook_that_hangs_delays_no_other(self, deliveries: Deliveries) -> None:
        receiver = deliveries.receiver
        for number in range(4):
            await deliveries.webhook(f"/hangs?{number}")
        await deliveries.webhook("/well")
        receiver.replies["/hangs"] = receiver.hangs
        async with deliveries.dispatching(at_once=6, failing_at_once=2):
            for count in range(1, 6):
                await deliveries.happen()
                await deliveries.received(partial(has_come_to, "/well", count))

    async def test_ping_and_replay_are_sent_at_once_while_an_event_waits(self, deliveries: Deliveries) -> None:
        webhook = await deliveries.webhook()
        deliveries.receiver.reply = says(503, "Retry-After: 2")
        async with deliveries.dispatching() as dispatcher:
            events = await deliveries.happen(COMPLETED, COMPLETED)
            await deliveries.received(1)
            await deliveries.become(PENDING)
            deliveries.receiver.reply = says(204)
            replay = await deliveries.want(webhook, DeliveryKind.REPLAY, int(events[1].removeprefix("evt_")))
            dispatcher.wake_webhooks()
            await deliveries.become(DELIVERED, id=replay)
            assert (await deliveries.become(PENDING, kind="event"))[0].attempts
            ping = await deliveries.want(webhook, DeliveryKind.PING)
            dispatcher.wake_webhooks()
            # It was taken: what waits is tried at once, and not only in two seconds.
            await deliveries.become(DELIVERED, DELIVERED, kind="event")
        received = deliveries.receiver.received
        assert firsts(ids(received)) == [events[0], events[1], f"ping_{ping}"]
        event = verified(next(each for each in received if each.id == f"ping_{ping}"))
        assert event["type"] == "conda-store.events.webhook.ping.v1"
        assert event["data"]["webhook_id"] == webhook

    async def test_ping_is_tried_once_and_whatever_the_state(self, deliveries: Deliveries) -> None:
        webhook = await deliveries.webhook(state=WebhookState.PAUSED)
        deliveries.receiver.reply = says(500)
        ping = await deliveries.want(webhook, DeliveryKind.PING)
        async with deliveries.dispatching():
            (row,) = await deliveries.become(FAILED)
        assert (row.id, len(row.attempts)) == (ping, 1)
        assert (await deliveries.row(webhook)).failing_since is None

    async def test_paused_webhook_is_told_later_of_what_it_missed(self, deliveries: Deliveries) -> None:
        webhook = await deliveries.webhook()
        async with deliveries.dispatching() as dispatcher:
            events = await deliveries.happen()
            await deliveries.become(DELIVERED)
            await deliveries.change(webhook, state=WebhookState.PAUSED)
            dispatcher.wake_webhooks()
            events += await deliveries.happen(COMPLETED, COMPLETED)
            # Another one has come that far.
            await deliveries.webhook("/other")
            dispatcher.wake_webhooks()
            await deliveries.received(lambda received: ids(received, "/other") == events)
            assert ids(deliveries.receiver.received, "/hook") == events[:1]
            await deliveries.change(webhook, state=WebhookState.ACTIVE)
            dispatcher.wake_webhooks()
            await deliveries.received(lambda received: ids(received, "/hook") == events)

    @pytest.mark.parametrize("removed", [False, True])
    async def test_webhook_that_is_paused_or_removed_in_mid_flight_is_sent_nothing_more(
        self, deliveries: Deliveries, removed: bool
    ) -> None:
        webhook, events = await deliveries.webhook(), await deliveries.happen(COMPLETED, COMPLETED)
        deliveries.receiver.reply = deliveries.receiver.hangs
        # Nobody tells the dispatcher.
        async with deliveries.dispatching(look=0.5):
            await deliveries.received(1)
            if removed:
                await deliveries.remove(webhook)
            else:
                await deliveries.change(webhook, state=WebhookState.PAUSED)
            await asyncio.sleep(0.9)
            assert ids(deliveries.receiver.received) == events[:1]
            assert [row.state for row in await deliveries.rows()] == ([] if removed else [PENDING])

    async def test_delivery_that_is_skipped_in_mid_flight_stays_so(self, deliveries: Deliveries) -> None:
        await deliveries.webhook()
        deliveries.receiver.reply = deliveries.receiver.hangs
        async with deliveries.dispatching():
            events = await deliveries.happen(COMPLETED, COMPLETED)
            await deliveries.received(1)
            await deliveries.skip((await deliveries.rows())[0].id)
            deliveries.receiver.reply = says(204)
            rows = await deliveries.become(SKIPPED, DELIVERED)
        assert ids(deliveries.receiver.received) == events
        # What was tried is told all the same.
        assert rows[0].attempts[0]["error"] == "there was no answer within 0.5 s"

    async def test_attempt_is_signed_with_the_secrets_of_its_time(self, deliveries: Deliveries) -> None:
        webhook = await deliveries.webhook()
        deliveries.receiver.reply = says(500)
        async with deliveries.dispatching():
            await deliveries.happen()
            await deliveries.received(1)
            await deliveries.rotate(webhook, now() + timedelta(hours=1))
            count = len(deliveries.receiver.received)
            both = (await deliveries.received(count + 2))[-1]
            await deliveries.rotate(webhook, now() - timedelta(hours=1))
        verified(deliveries.receiver.received[0], SECRET)
        verified(both, SECRET)
        verified(both, OTHER_SECRET)

    async def test_retry_is_signed_anew_so_that_a_receiver_with_a_wrong_clock_takes_it_once_it_is_right(
        self, deliveries: Deliveries
    ) -> None:
        await deliveries.webhook()
        receiver, skew = deliveries.receiver, [600.0]

        def is_fresh() -> bool:
            sent = float(receiver.received[-1].headers["webhook-timestamp"])
            return abs(time.time() + skew[0] - sent) < 300

        receiver.reply = lambda connection: says(204 if is_fresh() else 400)(connection)
        async with deliveries.dispatching():
            (event,) = await deliveries.happen()
            await deliveries.received(2)
            skew[0] = 0.0
            (row,) = await deliveries.become(DELIVERED)
        assert set(ids(receiver.received)) == {event}
        assert row.attempts[0]["status"] == 400

    async def test_events_of_a_time_without_dispatcher_are_delivered_in_order_however_many(
        self, deliveries: Deliveries
    ) -> None:
        await deliveries.webhook("/some", types=["build.failed"])
        await deliveries.webhook("/all", namespace="team")
        failed = await deliveries.happen(PublicEventType.BUILD_FAILED)
        events = failed + await deliveries.happen_at_once(12)
        async with deliveries.dispatching(kept=5):
            # Some come while the webhook catches up, and more than are kept in memory.
            events += await deliveries.happen_at_once(12)
            await deliveries.received(partial(has_come_to, "/all", len(events)))
            await deliveries.received(partial(has_come_to, "/some", 1))
        assert ids(deliveries.receiver.received, "/all") == events
        assert ids(deliveries.receiver.received, "/some") == failed

    async def test_webhook_that_wants_nothing_of_many_events_begins_behind_them_after_a_restart(
        self, deliveries: Deliveries
    ) -> None:
        webhook = await deliveries.webhook(namespace="lab")
        async with deliveries.dispatching(stride=100):
            newest = int((await deliveries.happen_at_once(150))[-1].removeprefix("evt_"))
            await deliveries.has_come_to(webhook, newest - 100)
        assert await deliveries.rows() == []

    async def test_owner_who_loses_a_role_is_told_nothing_more(self, deliveries: Deliveries) -> None:
        await deliveries.ledger.submit()
        (before,) = await deliveries.happen()
        await deliveries.webhook(owner_bindings={}, owner="team", position=int(before.removeprefix("evt_")))
        await deliveries.grant("team/*")
        async with deliveries.dispatching():
            events = await deliveries.happen()
            await deliveries.become(DELIVERED)
            deliveries.receiver.reply = deliveries.receiver.hangs
            waiting = await deliveries.happen()
            await deliveries.received(2)
            await deliveries.grant(None)
            await deliveries.happen()
            # What waited is given up, and the next not even taken up.
            await deliveries.become(DELIVERED, SKIPPED)
            deliveries.receiver.reply = says(204)
            await deliveries.grant("team/*")
            events += await deliveries.happen()
            await deliveries.become(DELIVERED, SKIPPED, DELIVERED)
        assert firsts(ids(deliveries.receiver.received)) == [events[0], *waiting, events[1]]

    async def test_webhook_that_cannot_be_served_disturbs_no_other(self, deliveries: Deliveries) -> None:
        await deliveries.webhook("/broken", owner_bindings={"team/*": ["no-such-role"]})
        await deliveries.webhook("/well")
        async with deliveries.dispatching():
            events = await deliveries.happen(COMPLETED, COMPLETED)
            await deliveries.received(partial(has_come_to, "/well", 2))
        assert ids(deliveries.receiver.received) == events

    async def test_request_that_is_under_way_when_the_process_is_to_stop_is_not_made_again(
        self, deliveries: Deliveries
    ) -> None:
        await deliveries.webhook()
        deliveries.receiver.reply = slowly
        async with deliveries.dispatching() as dispatcher:
            events = await deliveries.happen(COMPLETED, COMPLETED)
            await deliveries.received(1)
            await dispatcher.interrupt()
        assert ids(deliveries.receiver.received) == events[:1]
        async with deliveries.dispatching():
            await deliveries.become(DELIVERED, DELIVERED)
        assert ids(deliveries.receiver.received) == events
