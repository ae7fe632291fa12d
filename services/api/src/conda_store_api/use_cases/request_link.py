"""Asks the builder to point an environment's symbolic link at a prefix."""

from datetime import datetime

from conda_store_api.repositories.builds import LockedBuild
from conda_store_api.use_cases.request_tell import request_tell
from conda_store_shared.contracts.events import LinkRequested
from conda_store_shared.domain.order import Order
from conda_store_shared.transaction import Transaction


async def request_link(
    transaction: Transaction, locked: LockedBuild, path: str, generation: int, now: datetime
) -> None:
    """Send the request; where the key format has no link, users get the build by this transaction alone."""
    link = Order.from_value(locked.build.order or {}).prefix.link
    if link is None:
        return await request_tell(transaction, locked.build.environment_id, [generation], now)
    transaction.publish(
        LinkRequested(
            build_id=locked.build.id,
            build_key=locked.build.build_key,
            namespace=locked.namespace,
            environment=locked.environment,
            link=link,
            path=path,
            generation=generation,
            environment_id=locked.build.environment_id,
        ),
        locked.build.traceparent,
    )
