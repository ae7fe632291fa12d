"""Refuses what would fill the disk of the prefixes (contract §4.6)."""

from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_api.repositories.storage import find_free_storage
from conda_store_shared.domain.permission import Permission
from conda_store_shared.domain.settings import Settings
from conda_store_shared.errors import StorageExhausted


async def check_storage(session: AsyncSession, settings: Settings, action: Permission) -> None:
    """Raise StorageExhausted when less is free than ``storage_threshold``; before the first figures all is allowed."""
    free = await find_free_storage(session)
    if free is not None and free < settings.storage_threshold:
        raise StorageExhausted(
            f"`CondaStore.storage_threshold` reached. Action {action} prevented due to insufficient storage space"
        )
