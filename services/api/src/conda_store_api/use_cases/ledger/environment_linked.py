"""An environment's link points at its current build."""

from datetime import datetime

from conda_store_api.repositories.environments import mark_linked
from conda_store_api.use_cases.request_tell import request_tell
from conda_store_shared.contracts.events import EnvironmentLinked
from conda_store_shared.transaction import Transaction


async def environment_linked(event: EnvironmentLinked, transaction: Transaction, now: datetime) -> None:
    """Note the generation the link shows, and have the hook of the deployment told of what is new."""
    linked = await mark_linked(transaction.session, event)
    if linked is not None:
        environment_id, changes = linked
        await request_tell(transaction, environment_id, changes, now)
