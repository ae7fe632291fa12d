"""Rows of specifications."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_shared.db.models import Build, Environment, Namespace, Specification
from conda_store_shared.db.statements import insert_all_new_returning

# Made once: putting a statement together takes longer than running it.
_HELD = (
    select(Specification.id)
    .where(Specification.sha256 == bindparam("of_sha256"))
    .with_for_update(read=True, key_share=True)
)


async def ensure_specification(session: AsyncSession, row: Mapping[str, Any]) -> int:
    """Keep a specification once per digest; return its id.  It cannot be removed until the transaction ends."""
    while True:
        for (new,) in await insert_all_new_returning(session, Specification, [row], Specification.id):
            return int(new)
        # Another transaction may have removed the row just now, with the last build of it.
        found: int | None = await session.scalar(_HELD, {"of_sha256": row["sha256"]})
        if found is not None:
            return found


async def find_source(session: AsyncSession, build_id: int) -> tuple[Namespace, Environment, Specification] | None:
    """Return what a build was made from; the specification cannot be removed until the transaction ends."""
    row = (
        await session.execute(
            select(Namespace, Environment, Specification)
            .select_from(Build)
            .join(Environment, Environment.id == Build.environment_id)
            .join(Namespace, Namespace.id == Environment.namespace_id)
            .join(Specification, Specification.id == Build.specification_id)
            .where(Build.id == build_id)
            .with_for_update(read=True, key_share=True, of=Specification)
        )
    ).one_or_none()
    return None if row is None else (row[0], row[1], row[2])
