"""Tells the hook of the deployment that users of an environment get another build (design §3.3)."""

from conda_store_api.ports import Hooks
from conda_store_api.repositories.environments import is_told, mark_told
from conda_store_api.repositories.hook_views import find_environment_view_by_id
from conda_store_shared.contracts.events import EnvironmentUpdated
from conda_store_shared.transaction import Transactions


async def tell_update(event: EnvironmentUpdated, hooks: Hooks, transactions: Transactions) -> None:
    """Tell the hook at least once, of the environment as it is now; a repeat tells nothing."""
    async with transactions.database.session() as session:
        if await is_told(session, event.environment_id, event.generation):
            return
        environment = await find_environment_view_by_id(session, event.environment_id)
    if environment is not None:
        await hooks.tell_update(environment)
    async with transactions.begin() as transaction:
        await mark_told(transaction.session, event.environment_id, event.generation)
