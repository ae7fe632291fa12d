"""Rows as hooks of a deployment see them."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Row, Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_api.domain.hook_views import BuildView, EnvironmentView, NamespaceView
from conda_store_shared.db.models import Build, Environment, Namespace, Specification

# Of an order, which may hold a whole lockfile, no more than is shown.
_BUILD_COLUMNS = (
    Build.id,
    Build.status,
    Build.status_info,
    Build.build_key,
    Build.size,
    Build.scheduled_on,
    Build.started_on,
    Build.ended_on,
    Build.order["prefix"]["path"].as_string().label("path"),
    Build.order["prefix"]["link"].as_string().label("link"),
    Specification.spec.label("specification"),
)
_BUILDS: Select[*tuple[object, ...]] = select(*_BUILD_COLUMNS).join(
    Specification, Specification.id == Build.specification_id
)


async def find_namespace_view(session: AsyncSession, name: str) -> NamespaceView | None:
    """Return a namespace that is there for users."""
    found = await session.scalar(select(Namespace).where(Namespace.name == name, Namespace.deleted_on.is_(None)))
    return None if found is None else _namespace(found)


async def find_environment_view(session: AsyncSession, namespace: str, name: str) -> EnvironmentView | None:
    """Return an environment that is there for users."""
    return await _find(session, (Namespace.name == namespace) & (Environment.name == name))


async def find_environment_view_by_id(session: AsyncSession, environment_id: int) -> EnvironmentView | None:
    """Return an environment that is there for users."""
    return await _find(session, Environment.id == environment_id)


async def list_build_views(session: AsyncSession, environment_id: int, limit: int) -> Sequence[BuildView]:
    """Return the newest builds of an environment that are not deleted, the newest first."""
    mine = (Build.environment_id == environment_id) & Build.deleted_on.is_(None)
    rows = await session.execute(_BUILDS.where(mine).order_by(Build.id.desc()).limit(limit))
    return [_build(row) for row in rows]


async def _find(session: AsyncSession, condition: ColumnElement[bool]) -> EnvironmentView | None:
    row = (
        await session.execute(
            select(Environment, Namespace)
            .join(Namespace, Namespace.id == Environment.namespace_id)
            .where(condition, Environment.deleted_on.is_(None))
        )
    ).one_or_none()
    if row is None:
        return None
    environment, namespace = row
    current = (await session.execute(_BUILDS.where(Build.id == environment.current_build_id))).one_or_none()
    return EnvironmentView(
        id=environment.id,
        name=environment.name,
        namespace=_namespace(namespace),
        description=environment.description,
        current_build_id=environment.current_build_id,
        current_build=None if current is None else _build(current),
    )


def _namespace(row: Namespace) -> NamespaceView:
    return NamespaceView(id=row.id, name=row.name, metadata=dict(row.metadata_ or {}))


def _build(row: Row[*tuple[object, ...]]) -> BuildView:
    return BuildView(**row._mapping)
