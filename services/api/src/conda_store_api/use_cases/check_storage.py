"""Refuses what would fill the disk of the prefixes (contract §4.6)."""

from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_api.domain.policy import BuildPolicy
from conda_store_api.repositories.storage import find_free_storage
from conda_store_shared.domain.permission import Permission
from conda_store_shared.errors import StorageExhausted


async def check_storage(session: AsyncSession, policy: BuildPolicy, action: Permission) -> None:
    """Raise StorageExhausted when less is free than ``storage_threshold``; before the first figures all is allowed."""
    if policy.guards_storage:
        guard_storage(await find_free_storage(session), policy.settings.storage_threshold, action)


def guard_storage(free: int | None, threshold: int, action: str) -> None:
    """Raise StorageExhausted when fewer bytes are free than a threshold; before the first figures all is allowed."""
    if free is not None and free < threshold:
        raise StorageExhausted(
            f"`CondaStore.storage_threshold` reached. Action {action} prevented due to insufficient storage space"
        )
