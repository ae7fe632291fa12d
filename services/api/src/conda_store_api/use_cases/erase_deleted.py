"""Takes away what was deleted with its environment: stops it, has it removed, and then forgets its rows."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_api.repositories.builds import end_build, lock_build
from conda_store_api.repositories.deletion import (
    find_who_deleted,
    list_builds_to_erase,
    mark_build_deleted,
    remove_erased_builds,
    remove_erased_environments,
    remove_erased_namespaces,
)
from conda_store_api.use_cases.act import Act
from conda_store_api.use_cases.ledger.public_events import record_act
from conda_store_api.use_cases.let_build_go import let_build_go
from conda_store_shared.contracts.public_events import BuildCanceled, BuildDeleted
from conda_store_shared.domain.build import BuildStatus
from conda_store_shared.transaction import Transaction, Transactions

_AT_ONCE = 200


async def erase_deleted(transactions: Transactions, now: datetime) -> None:
    """Do what can be done now; each step is found again from the rows, whichever process did the one before.

    A build's row goes when disk and bucket hold nothing of it, an environment's after its builds and its link, a
    namespace's after its environments.  Raises DatabaseUnavailable.
    """
    while builds := await _builds_to_erase(transactions):
        for build_id in builds:
            async with transactions.begin() as transaction:
                await _begin(build_id, transaction, now)
    for remove in (remove_erased_builds, remove_erased_environments, remove_erased_namespaces):
        while await _remove(transactions, remove):
            pass


async def _builds_to_erase(transactions: Transactions) -> list[int]:
    async with transactions.database.session() as session:
        return list(await list_builds_to_erase(session, _AT_ONCE))


async def _begin(build_id: int, transaction: Transaction, now: datetime) -> None:
    """Cancel a build that still runs, and ask for all it left behind to go."""
    session = transaction.session
    locked = await lock_build(session, build_id, with_order=False)
    if locked is None or locked.build.erased_on is not None:
        return
    act = Act(actor=await find_who_deleted(session, locked.namespace, locked.environment), now=now)
    key = locked.build.build_key
    if await end_build(session, locked.build, BuildStatus.CANCELED, {"ended_on": now, "status_info": None}):
        record_act(transaction, locked, BuildCanceled(build_key=key), act)
    if locked.build.deleted_on is None:
        record_act(transaction, locked, BuildDeleted(build_key=key), act)
    await mark_build_deleted(session, build_id, now, erased=True)
    await let_build_go(transaction, locked.build, (), now)


async def _remove(transactions: Transactions, remove: Callable[[AsyncSession], Awaitable[int]]) -> int:
    async with transactions.begin() as transaction:
        return await remove(transaction.session)
