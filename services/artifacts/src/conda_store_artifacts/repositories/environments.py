"""Finds environments by name."""

from dataclasses import dataclass

from sqlalchemy import bindparam, select

from conda_store_shared.db.models import Environment, Namespace
from conda_store_shared.db.reading import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundEnvironment:
    """An environment and its current build, if it has one."""

    current_build_id: int | None


async def find_environment(reader: Reader, namespace: str, environment: str) -> FoundEnvironment | None:
    """Return the environment, None when there is none of that name."""
    rows = await reader.rows(_BY_NAME, namespace=namespace, environment=environment)
    return FoundEnvironment(current_build_id=rows[0][0]) if rows else None


_BY_NAME = (
    select(Environment.current_build_id)
    .join(Namespace, Namespace.id == Environment.namespace_id)
    .where(Namespace.name == bindparam("namespace"), Environment.name == bindparam("environment"))
)
