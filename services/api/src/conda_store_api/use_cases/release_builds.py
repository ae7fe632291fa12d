"""Announces waiting builds: fair over namespaces, within the limits (design §3.5)."""

import asyncio
from datetime import datetime

from conda_store_api.domain.policy import LedgerOptions
from conda_store_api.repositories.builds import list_unreleased, mark_released
from conda_store_api.use_cases.ledger.requests import request_stage
from conda_store_shared.db.models import Build
from conda_store_shared.domain.order import Order
from conda_store_shared.domain.stage import SOLVE
from conda_store_shared.domain.storage_keys import order_key
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.transaction import Transactions


async def put_order(store: ObjectStore, build: Build) -> None:
    """Put a build's order where every stage reads it; raises StorageUnavailable."""
    content = Order.from_value(build.order or {}).to_bytes()
    await store.put(order_key(build.build_key), content, "application/json")


async def release_builds(
    transactions: Transactions, store: ObjectStore, options: LedgerOptions, now: datetime
) -> int:
    """Release as many builds as there is room for; return how many.

    No request goes out without its order.  Two replicas that release at once may exceed the limit by what they release
    in that moment; no build is released twice.  The requests leave in the order of turns.
    """
    async with transactions.database.session() as session:
        builds = await list_unreleased(session, options.capacity, options.per_namespace)
    if not builds:
        return 0
    async with transactions.begin() as transaction:
        # By id, as every replica does, so that no two wait for each other.
        marked = {
            build.id
            for build in sorted(builds, key=lambda build: build.id)
            if await mark_released(transaction.session, build, now)
        }
        released = [build for build in builds if build.id in marked]
        # While they are held: put after a deletion, an order would stay for ever.
        async with asyncio.TaskGroup() as group:
            for build in released:
                group.create_task(put_order(store, build))
        for build in released:
            await request_stage(transaction, build, SOLVE, now)
    return len(marked)
