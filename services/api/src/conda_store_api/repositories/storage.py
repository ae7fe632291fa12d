"""The newest figures of the disk with the prefixes."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_shared.contracts.events import StorageMeasured
from conda_store_shared.db.models import CondaStoreConfiguration
from conda_store_shared.db.statements import upsert_all

_ONLY_ROW = 1


async def note_storage(session: AsyncSession, measured: StorageMeasured, now: datetime) -> None:
    """Keep figures in place of older ones."""
    row = {
        "id": _ONLY_ROW,
        "disk_usage": measured.used,
        "free_storage": measured.free,
        "total_storage": measured.total,
        "measured_on": now,
    }
    await upsert_all(session, CondaStoreConfiguration, [row], identity=("id",))


async def find_free_storage(session: AsyncSession) -> int | None:
    """Return how many bytes were free when last measured; None when that never was."""
    free: int | None = await session.scalar(
        select(CondaStoreConfiguration.free_storage).where(
            CondaStoreConfiguration.id == _ONLY_ROW, CondaStoreConfiguration.measured_on.is_not(None)
        )
    )
    return free
