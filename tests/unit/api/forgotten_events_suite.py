"""Old events are taken out of the log, but for those that somebody has still to be told of; on every database."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select
from traitlets.config import Config

from conda_store_api.background import forget_events_forever
from conda_store_api.config import read_options
from conda_store_api.use_cases.forget_events import forget_events
from conda_store_api.use_cases.take_cursors import settle_cursors
from conda_store_shared.db.models import EventCursor, Model, PublicEvent, Webhook, WebhookDelivery
from conda_store_shared.db.moments import now
from tests.unit.api.ledger_builders import NOON, Ledger
from tests.unit.api.streaming import told, write


def a_webhook(position: int, state: str = "active") -> Webhook:
    """A webhook that is done with the event ``position``."""
    return Webhook(
        id=1, url="https://ci.example/", description="", owner="ann", owner_bindings={}, types=[], state=state,
        position=position, created_on=NOON, updated_on=NOON,
    )  # fmt: skip


def a_delivery(event_id: int, state: str) -> WebhookDelivery:
    """The delivery of an event to that webhook."""
    return WebhookDelivery(
        webhook_id=1, event_id=event_id, kind="replay", type="build.queued", state=state, attempts=[], created_on=NOON
    )


class ForgottenEventsSuite:
    """Suites below run on the ledger of their directory."""

    async def test_events_stay_as_long_as_the_option_says(self, ledger: Ledger) -> None:
        await settle_cursors(ledger.transactions, {})
        secret = {"AuthenticationBackend": {"secret": "s" * 32}}
        await write(ledger, *(told(time=now() - timedelta(days=days)) for days in (4, 3, 1, 0)))
        for days, left in ((None, 4), (2.5, 2)):
            options = read_options(Config({**secret, "CondaStore": {"events_kept": days}}))
            task = asyncio.create_task(forget_events_forever(ledger.transactions, options.events_kept))
            async with asyncio.timeout(10):
                while len(await self._ids(ledger)) > left:  # noqa: ASYNC110 - the log tells nobody that it is shorter
                    await asyncio.sleep(0.01)
            task.cancel()
            assert len(await self._ids(ledger)) == left

    async def test_last_event_stays_so_that_ids_go_on_from_it(self, ledger: Ledger) -> None:
        await settle_cursors(ledger.transactions, {})
        await write(ledger, told(), told())
        before = await self._ids(ledger)
        assert await forget_events(ledger.transactions, 1, NOON + timedelta(days=9)) == 1
        await write(ledger, told())
        assert await self._ids(ledger) == [before[-1], before[-1] + 1]

    @pytest.mark.parametrize("who", ["webhook", "delivery", "cursor"])
    async def test_what_somebody_has_still_to_be_told_of_stays(self, ledger: Ledger, who: str) -> None:
        await settle_cursors(ledger.transactions, {})
        await write(ledger, *(told() for _ in range(5)))
        ids = await self._ids(ledger)
        waiting: dict[str, list[Model]] = {
            "webhook": [a_webhook(ids[1])],
            "delivery": [a_webhook(ids[4]), a_delivery(ids[0], "delivered"), a_delivery(ids[2], "pending")],
            "cursor": [EventCursor(reader="exchange", position=ids[1]), a_webhook(ids[0], "paused")],
        }
        async with ledger.transactions.begin() as transaction:
            for row in waiting[who]:
                transaction.session.add(row)
                await transaction.session.flush()
        assert await forget_events(ledger.transactions, 1, NOON + timedelta(days=9)) == 2
        assert await self._ids(ledger) == ids[2:]

    async def _ids(self, ledger: Ledger) -> list[int]:
        async with ledger.database.session() as session:
            return list(await session.scalars(select(PublicEvent.id).order_by(PublicEvent.id)))
