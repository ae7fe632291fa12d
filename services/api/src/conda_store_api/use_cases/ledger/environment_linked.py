"""An environment's link points at its current build."""

from conda_store_api.repositories.environments import mark_linked
from conda_store_shared.contracts.events import EnvironmentLinked
from conda_store_shared.transaction import Transaction


async def environment_linked(event: EnvironmentLinked, transaction: Transaction) -> None:
    """Note the generation the link shows."""
    await mark_linked(transaction.session, event)
