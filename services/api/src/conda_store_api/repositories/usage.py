"""How much each namespace uses."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_shared.db.models import Build, Environment, Namespace
from conda_store_shared.db.queries.visibility import visible_namespaces
from conda_store_shared.domain.permission import RoleBinding


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a namespace uses; deleted builds count, and ``storage`` is in bytes."""

    namespace: str
    num_environments: int
    num_builds: int
    storage: int


async def list_usage(session: AsyncSession, bindings: Sequence[RoleBinding]) -> list[Usage]:
    """Return the usage of every namespace with builds, in the order of their names."""
    # Counted by environment first, so that the names are joined to some rows instead of to every build.
    builds = (
        select(Build.environment_id, func.count().label("builds"), func.sum(Build.size).label("bytes"))
        .group_by(Build.environment_id)
        .subquery()
    )
    rows = await session.execute(
        select(Namespace.name, func.count(), func.sum(builds.c.builds), func.sum(builds.c.bytes))
        .select_from(builds)
        .join(Environment, Environment.id == builds.c.environment_id)
        .join(Namespace, Namespace.id == Environment.namespace_id)
        .where(visible_namespaces(bindings, Namespace.name))
        .group_by(Namespace.name)
        .order_by(Namespace.name)
    )
    return [
        Usage(namespace=row[0], num_environments=row[1], num_builds=int(row[2]), storage=int(row[3] or 0))
        for row in rows
    ]
