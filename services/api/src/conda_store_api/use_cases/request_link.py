"""Asks the builder to point an environment's symbolic link at a prefix."""

from conda_store_api.repositories.builds import LockedBuild
from conda_store_shared.contracts.events import LinkRequested
from conda_store_shared.domain.order import Order
from conda_store_shared.transaction import Transaction


def request_link(transaction: Transaction, locked: LockedBuild, path: str, generation: int) -> None:
    """Send the request; an environment whose key format has no link gets none."""
    link = Order.from_value(locked.build.order or {}).prefix.link
    if link is None:
        return
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
        )
    )
