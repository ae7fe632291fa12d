"""Deliveries to webhooks on PostgreSQL."""

import asyncio

from sqlalchemy import text

from conda_store_api.domain.webhook import DeliveryState
from conda_store_shared.testing.queries import recorded_queries
from conda_store_shared.testing.servers.webhook_receiver import says
from tests.unit.api.deliveries_suite import DeliveriesSuite, deliveries
from tests.unit.api.deliveries_world import COMPLETED, Deliveries, firsts, ids

__all__ = ["deliveries"]
_CUT = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = :name")


class TestDeliveries(DeliveriesSuite):
    """The suite on the ledger of this directory."""

    async def test_events_arrive_in_order_though_every_connection_is_cut(self, deliveries: Deliveries) -> None:
        await deliveries.webhook()
        async with deliveries.dispatching(), deliveries.dispatching():
            events = await deliveries.happen(*[COMPLETED] * 6)
            for count in (1, 3):
                await deliveries.received(count)
                database = deliveries.ledger.database
                async with database.session() as session:
                    await session.execute(_CUT, {"name": database.engine.url.database})
                # Those of the test were cut as well.
                await database.engine.dispose()
            await deliveries.received(lambda received: events[-1] in ids(received))
            await deliveries.become(*[DeliveryState.DELIVERED] * 6)
        assert firsts(ids(deliveries.receiver.received)) == events

    async def test_event_costs_no_question_about_a_webhook_that_waits(self, deliveries: Deliveries) -> None:
        await deliveries.webhook()
        deliveries.receiver.reply = says(503, "Retry-After: 2")
        # Nothing is looked at but the log meanwhile.
        async with deliveries.dispatching(look=30.0):
            await deliveries.happen()
            await deliveries.received(1)
            await deliveries.tried(1)
            with recorded_queries(deliveries.database) as queries:
                await deliveries.happen(*[COMPLETED] * 5)
                await asyncio.sleep(0.5)
        assert len(queries) >= 1
        assert [query for query in queries if "webhook" in query] == []
