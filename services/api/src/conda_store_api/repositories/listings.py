"""Lists as users see them: what the caller may see is part of each query."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVarTuple

from sqlalchemy import ColumnElement, Select, distinct, exists, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from conda_store_shared.db.models import (
    Build,
    BuildArtifact,
    CondaChannel,
    CondaPackage,
    CondaPackageBuild,
    Environment,
    Namespace,
    NamespaceRoleMapping,
    Specification,
    build_conda_package_build,
)
from conda_store_shared.db.queries.visibility import visible_environments, visible_namespaces
from conda_store_shared.domain.permission import RoleBinding
from conda_store_shared.errors import NotFound
from conda_store_shared.web.cursor import CursorPage
from conda_store_shared.web.pagination import Page

Ts = TypeVarTuple("Ts")
Columns = Mapping[str, InstrumentedAttribute[Any]]
_ENVIRONMENT_COLUMNS: Columns = {"namespace": Namespace.name, "name": Environment.name}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Filters of environments and builds; for environments status, artifact and packages are the current build's.

    ``seen_by`` are the role bindings of somebody else who must see the row as well.
    """

    search: str | None = None
    namespace: str | None = None
    name: str | None = None
    status: str | None = None
    artifact: str | None = None
    packages: tuple[str, ...] = ()
    environment_id: int | None = None
    seen_by: tuple[RoleBinding, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageFilter:
    """Filters of packages: ``search`` in the name (the whole name when ``exact``), ``build`` in the build string."""

    search: str | None = None
    exact: bool = False
    build: str | None = None


async def list_visible_namespaces(
    session: AsyncSession, bindings: Sequence[RoleBinding], page: Page
) -> tuple[Sequence[Namespace], int]:
    """Return one page of namespaces, and how many there are."""
    query = select(Namespace).where(Namespace.deleted_on.is_(None), visible_namespaces(bindings, Namespace.name))
    count = await _count(session, query)
    rows = await session.scalars(_paged(query, page, {"name": Namespace.name}, Namespace.id))
    return rows.all(), count


async def list_visible_environments(
    session: AsyncSession, bindings: Sequence[RoleBinding], filters: Filter, page: Page
) -> tuple[Sequence[tuple[Environment, Namespace]], int]:
    """Return one page of environments, and how many there are."""
    query = _environments(bindings, filters)
    count = await _count(session, query)
    rows = await session.execute(_paged(query, page, _ENVIRONMENT_COLUMNS, Environment.id))
    return [(environment, namespace) for environment, namespace in rows], count


async def list_environments_after(
    session: AsyncSession, bindings: Sequence[RoleBinding], filters: Filter, page: CursorPage
) -> tuple[Sequence[tuple[Environment, Namespace]], int]:
    """Return the environments that come after a row, and how many there are on all pages."""
    query = _environments(bindings, filters)
    count = await _count(session, query)
    keys = [*(_ENVIRONMENT_COLUMNS[key] for key in page.sort_by), Environment.id]
    if page.after is not None:
        place, after = tuple_(*keys), tuple_(*page.after)
        query = query.where(place < after if page.descending else place > after)
    order = [key.desc() if page.descending else key.asc() for key in keys]
    rows = await session.execute(query.order_by(*order).limit(page.limit))
    return [(environment, namespace) for environment, namespace in rows], count


def _environments(bindings: Sequence[RoleBinding], filters: Filter) -> Select[Environment, Namespace]:
    query = (
        select(Environment, Namespace)
        .join(Namespace, Namespace.id == Environment.namespace_id)
        .where(Environment.deleted_on.is_(None), visible_environments(bindings, Namespace.name, Environment.name))
        .where(*_place_filters(filters))
    )
    if filters.status or filters.artifact or filters.packages:
        query = query.join(Build, Build.id == Environment.current_build_id).where(*_build_filters(filters))
    return query


async def list_visible_builds(
    session: AsyncSession, bindings: Sequence[RoleBinding], filters: Filter, page: Page
) -> tuple[Sequence[Build], int]:
    """Return one page of builds, and how many there are."""
    query = (
        select(Build)
        .join(Environment, Environment.id == Build.environment_id)
        .join(Namespace, Namespace.id == Environment.namespace_id)
        .where(visible_environments(bindings, Namespace.name, Environment.name))
        .where(*_place_filters(filters), *_build_filters(filters))
    )
    if filters.environment_id is not None:
        query = query.where(Build.environment_id == filters.environment_id)
    count = await _count(session, query)
    columns: Columns = {
        "id": Build.id,
        "started_on": Build.started_on,
        "scheduled_on": Build.scheduled_on,
        "ended_on": Build.ended_on,
    }
    rows = await session.scalars(_paged(query, page, columns, Build.id))
    return rows.all(), count


async def find_build(session: AsyncSession, build_id: int) -> tuple[Build, Specification]:
    """Return a build with its specification; raises NotFound."""
    row = (
        await session.execute(
            select(Build, Specification)
            .join(Specification, Specification.id == Build.specification_id)
            .where(Build.id == build_id)
        )
    ).one_or_none()
    if row is None:
        raise NotFound("build id does not exist")
    return row[0], row[1]


async def list_build_packages(
    session: AsyncSession, build_id: int, filters: PackageFilter, page: Page
) -> tuple[Sequence[tuple[CondaPackage, CondaChannel]], int]:
    """Return one page of the packages of a build, and how many there are."""
    installed = build_conda_package_build
    query = (
        select(CondaPackage, CondaChannel)
        .join(CondaChannel, CondaChannel.id == CondaPackage.channel_id)
        .join(CondaPackageBuild, CondaPackageBuild.package_id == CondaPackage.id)
        .join(installed, installed.c.conda_package_build_id == CondaPackageBuild.id)
        .where(installed.c.build_id == build_id)
    )
    if filters.search:
        match = CondaPackage.name == filters.search if filters.exact else contains(CondaPackage.name, filters.search)
        query = query.where(match)
    if filters.build:
        query = query.where(contains(CondaPackageBuild.build, filters.build))
    count = await _count(session, query)
    columns = {"channel": CondaChannel.name, "name": CondaPackage.name}
    rows = await session.execute(_paged(query, page, columns, CondaPackage.id))
    return [(package, channel) for package, channel in rows], count


async def role_mappings_of(session: AsyncSession, namespace_ids: Collection[int]) -> Sequence[NamespaceRoleMapping]:
    """Return the version 1 role mappings of some namespaces."""
    rows = await session.scalars(
        select(NamespaceRoleMapping)
        .where(NamespaceRoleMapping.namespace_id.in_(namespace_ids))
        .order_by(NamespaceRoleMapping.id)
    )
    return rows.all()


def contains(column: InstrumentedAttribute[str], text: str) -> ColumnElement[bool]:
    """Condition: ``text`` stands in the column, to the letter."""
    return column.contains(text, autoescape=True)


def _place_filters(filters: Filter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.seen_by is not None:
        conditions.append(visible_environments(filters.seen_by, Namespace.name, Environment.name))
    if filters.search:
        conditions.append(or_(contains(Namespace.name, filters.search), contains(Environment.name, filters.search)))
    if filters.namespace:
        conditions.append(Namespace.name == filters.namespace)
    if filters.name:
        conditions.append(Environment.name == filters.name)
    return conditions


def _build_filters(filters: Filter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.status:
        conditions.append(Build.status == filters.status)
    if filters.artifact:
        has_artifact = exists().where(BuildArtifact.build_id == Build.id)
        conditions.append(has_artifact.where(BuildArtifact.artifact_type == filters.artifact))
    if filters.packages:
        installed = build_conda_package_build
        names = (
            select(func.count(distinct(CondaPackage.name)))
            .select_from(installed)
            .join(CondaPackageBuild, CondaPackageBuild.id == installed.c.conda_package_build_id)
            .join(CondaPackage, CondaPackage.id == CondaPackageBuild.package_id)
            .where(installed.c.build_id == Build.id, CondaPackage.name.in_(filters.packages))
            .scalar_subquery()
        )
        conditions.append(names == len(filters.packages))
    return conditions


async def _count(session: AsyncSession, query: Select[*Ts]) -> int:
    counted = await session.scalar(select(func.count()).select_from(query.order_by(None).subquery()))
    return counted or 0


def _paged(
    query: Select[*Ts], page: Page, columns: Columns, identity: InstrumentedAttribute[int]
) -> Select[*Ts]:
    keys = [columns[key] for key in page.sort_by]
    # The id makes the order total, so that no row is on two pages.
    order = [column.desc() if page.descending else column.asc() for column in [*keys, identity]]
    return query.order_by(*order).limit(page.size).offset(page.offset)
