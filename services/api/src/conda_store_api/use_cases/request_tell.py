"""Asks for the hook of the deployment to be told that users of an environment get another build (design §3.3)."""

from collections.abc import Iterable
from datetime import datetime

from conda_store_api.repositories.environments import note_tell_requested
from conda_store_shared.contracts.events import EnvironmentUpdated
from conda_store_shared.transaction import Transaction


async def request_tell(transaction: Transaction, environment_id: int, changes: Iterable[int], now: datetime) -> None:
    """Have the hook told, in whichever process takes the message, of changes that users see from now on."""
    await note_tell_requested(transaction.session, environment_id, now)
    for generation in changes:
        transaction.publish(EnvironmentUpdated(environment_id=environment_id, generation=generation))
