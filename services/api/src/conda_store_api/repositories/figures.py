"""How much there is of everything, for figures."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_shared.db.models import Build, CondaStoreConfiguration, Environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Builds by status and environments, deleted ones included; the disk of the prefixes in bytes, 0 until measured."""

    builds: Mapping[str, int]
    environments: int
    disk_usage: int = 0
    disk_free: int = 0
    disk_total: int = 0


async def count_everything(session: AsyncSession) -> Figures:
    """Return the figures of now."""
    builds = await session.execute(select(Build.status, func.count()).group_by(Build.status))
    environments = await session.scalar(select(func.count()).select_from(Environment)) or 0
    disk = await session.scalar(select(CondaStoreConfiguration).limit(1))
    counted = {row[0]: row[1] for row in builds}
    if disk is None:
        return Figures(builds=counted, environments=environments)
    return Figures(
        builds=counted,
        environments=environments,
        disk_usage=disk.disk_usage,
        disk_free=disk.free_storage,
        disk_total=disk.total_storage,
    )
