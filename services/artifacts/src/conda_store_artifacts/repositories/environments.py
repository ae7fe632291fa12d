"""Finds environments by name."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_shared.db.models import Environment, Namespace


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundEnvironment:
    """An environment and its current build, if it has one."""

    current_build_id: int | None


async def find_environment(session: AsyncSession, namespace: str, environment: str) -> FoundEnvironment | None:
    """Return the environment, None when there is none of that name."""
    row = (
        await session.execute(
            select(Environment.current_build_id)
            .join(Namespace, Namespace.id == Environment.namespace_id)
            .where(Namespace.name == namespace, Environment.name == environment)
        )
    ).one_or_none()
    return None if row is None else FoundEnvironment(current_build_id=row[0])
