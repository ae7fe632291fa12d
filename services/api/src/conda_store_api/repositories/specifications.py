"""Rows of specifications."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_shared.db.models import Build, Environment, Namespace, Specification
from conda_store_shared.db.statements import insert_new


async def ensure_specification(session: AsyncSession, row: Mapping[str, Any]) -> int:
    """Keep a specification once per digest; return its id.  It cannot be removed until the transaction ends."""
    found = None
    while found is None:
        await insert_new(session, Specification, row)
        # Another transaction may have removed the row just now, with the last build of it.
        found = await session.scalar(
            select(Specification.id)
            .where(Specification.sha256 == row["sha256"])
            .with_for_update(read=True, key_share=True)
        )
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
