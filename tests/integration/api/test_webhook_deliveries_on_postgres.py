"""Deliveries of webhooks on PostgreSQL."""

import asyncio

from conda_store_api.repositories.deliveries import lock_delivery
from tests.unit.api.api_client import Api
from tests.unit.api.ledger_builders import Ledger
from tests.unit.api.webhook_deliveries_suite import COMPLETED, LATER, WAITING, WebhookDeliveriesSuite
from tests.unit.api.webhook_rows import add_delivery, add_events, deliveries, made, told


class TestWebhookDeliveries(WebhookDeliveriesSuite):
    """The suite on the ledger of this directory."""

    async def test_webhook_is_changed_though_it_is_being_noted_what_came_of_a_ping(
        self, api: Api, ledger: Ledger
    ) -> None:
        webhook = await made(api)
        path = f"/webhook/{webhook['id']}/"
        ping = (await api.ask("POST", f"{path}ping/", "owner")).json()["data"]["delivery_id"]
        (event,) = await add_events(ledger, COMPLETED)
        await add_delivery(ledger, webhook["id"], event, **WAITING, not_before=LATER)
        async with ledger.transactions.begin() as transaction, asyncio.timeout(20):
            # Who waited for this row would hold those that are made due after a ping.
            await lock_delivery(transaction.session, ping)
            assert told(await api.ask("PUT", path, "owner", json={"state": "active"}))[0] == 200
        assert {each["not_before"] for each in await deliveries(api, webhook["id"])} == {None}
