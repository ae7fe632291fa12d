"""How many versions of each package a channel has: what a search looks through."""

from collections.abc import Mapping

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_api.repositories.name_ranges import NameRange
from conda_store_shared.db.models import CondaPackage, CondaPackageName
from conda_store_shared.db.statements import add_to_all, upsert_all


async def count_versions(session: AsyncSession, added: Mapping[tuple[int, str], int]) -> None:
    """Note how many versions were added, by channel and name."""
    rows = [
        {"channel_id": channel_id, "name": name, "versions": number}
        for (channel_id, name), number in sorted(added.items())
    ]
    await add_to_all(session, CondaPackageName, rows, counter=CondaPackageName.versions)


async def recount_versions(session: AsyncSession, names: NameRange) -> None:
    """Count anew; only for who owns the packages."""
    counted = await session.execute(
        select(CondaPackage.name, func.count())
        .where(*names.covering(CondaPackage.channel_id, CondaPackage.name), ~CondaPackage.vanished)
        .group_by(CondaPackage.name)
    )
    stored = await session.execute(
        select(CondaPackageName.name, CondaPackageName.versions).where(
            *names.covering(CondaPackageName.channel_id, CondaPackageName.name)
        )
    )
    now = {name: number for name, number in counted}  # noqa: C416 - rows are no pairs to mypy
    before = {name: number for name, number in stored}  # noqa: C416
    changed = [
        {"channel_id": names.channel_id, "name": name, "versions": number}
        for name, number in sorted(now.items())
        if before.get(name) != number
    ]
    await upsert_all(session, CondaPackageName, changed, identity=("channel_id", "name"))
    gone = [name for name in before if name not in now]
    if gone:
        await session.execute(
            delete(CondaPackageName).where(
                CondaPackageName.channel_id == names.channel_id, CondaPackageName.name.in_(gone)
            )
        )
