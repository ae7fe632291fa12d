"""Lists as users see them: what the caller may see is part of each query."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVarTuple

from sqlalchemy import ColumnElement, Select, True_, bindparam, distinct, false, func, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased

from conda_store_api.repositories.counts import Counts
from conda_store_api.repositories.paging import AnyPage, Columns, Listing, Nested, read_page
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
from conda_store_shared.db.reading import Reader, Row
from conda_store_shared.db.statements import is_any_of
from conda_store_shared.domain.build import BuildStatus
from conda_store_shared.domain.permission import RoleBinding
from conda_store_shared.errors import NotFound
from conda_store_shared.web.pagination import Page

Ts = TypeVarTuple("Ts")
_named = aliased(Namespace)
# Lists whose statements are put together already, per kind.
_KEPT = 256
# By so many packages at most an index looks for builds; more would take long to plan.
_LOOKED_FOR = 4
Files = tuple[tuple[int, ...], ...]
_FILES = (
    select(CondaPackage.name, CondaPackageBuild.id)
    .join(CondaPackageBuild, CondaPackageBuild.package_id == CondaPackage.id)
    .where(is_any_of(CondaPackage.name, "names"))
)
_BUILD_COLUMNS = (
    Build.id,
    Build.environment_id,
    Build.status,
    Build.status_info,
    Build.size,
    Build.scheduled_on,
    Build.started_on,
    Build.ended_on,
)
_SPECIFICATION_COLUMNS = (
    Specification.id,
    Specification.name,
    Specification.spec,
    Specification.sha256,
    Specification.created_on,
)
_BUILD = (
    select(*_BUILD_COLUMNS, *_SPECIFICATION_COLUMNS)
    .join(Specification, Specification.id == Build.specification_id)
    .where(Build.id == bindparam("build_id"))
)
_NAMESPACES_WITH_ROLES = (
    select(
        Namespace.id,
        Namespace.name,
        Namespace.metadata_,
        NamespaceRoleMapping.id,
        NamespaceRoleMapping.entity,
        NamespaceRoleMapping.role,
    )
    .outerjoin(NamespaceRoleMapping, NamespaceRoleMapping.namespace_id == Namespace.id)
    .where(is_any_of(Namespace.id, "ids"))
    .order_by(NamespaceRoleMapping.id)
)


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
    reader: Reader, bindings: Sequence[RoleBinding], page: Page, counts: Counts
) -> tuple[Sequence[Row], int]:
    """Return one page of namespaces, and how many there are."""
    return await read_page(reader, _namespaces(tuple(bindings)), page, counts)


async def list_visible_environments(
    reader: Reader, bindings: Sequence[RoleBinding], filters: Filter, page: AnyPage, counts: Counts
) -> tuple[Sequence[Row], int]:
    """Return one page of environments, and how many there are."""
    files = await _files_of_packages(reader, filters)
    return await read_page(reader, _environments(tuple(bindings), filters, files), page, counts)


async def list_visible_builds(
    reader: Reader, bindings: Sequence[RoleBinding], filters: Filter, page: Page, counts: Counts
) -> tuple[Sequence[Row], int]:
    """Return one page of builds, and how many there are."""
    files = await _files_of_packages(reader, filters)
    return await read_page(reader, _builds(tuple(bindings), filters, files), page, counts)


@lru_cache(maxsize=_KEPT)
def _namespaces(bindings: tuple[RoleBinding, ...]) -> Listing:
    ids = select(Namespace.id).where(Namespace.deleted_on.is_(None), visible_namespaces(bindings, Namespace.name))
    return Listing(
        ids=ids,
        identity=Namespace.id,
        columns=(Namespace.id, Namespace.name),
        sortable={"name": Namespace.name},
        counted=ids,
    )


@lru_cache(maxsize=_KEPT)
def _environments(bindings: tuple[RoleBinding, ...], filters: Filter, files: Files) -> Listing:
    ids = select(Environment.id).where(
        Environment.deleted_on.is_(None), *_build_conditions(filters, files, Environment.current_build_id)
    )
    names = _name_conditions(bindings, filters)
    in_namespace = ids.where(Environment.namespace_id == Namespace.id, *names).correlate(Namespace)
    joined = ids.join(Namespace, Namespace.id == Environment.namespace_id).where(*names)
    return Listing(
        ids=joined,
        identity=Environment.id,
        columns=(
            Environment.id,
            Environment.namespace_id,
            Environment.name,
            Environment.current_build_id,
            Environment.description,
        ),
        sortable={"namespace": Namespace.name, "name": Environment.name},
        counted=joined if names else ids,
        # What is current is completed, but for the newest environments: those are found from their builds.
        few=filters.status not in (None, BuildStatus.COMPLETED),
        # What the builds must be like is asked once, not again in each namespace.
        nested=Nested(groups=Namespace, ids=in_namespace, sort_by=("namespace", "name"))
        if not (filters.status or filters.artifact or filters.packages)
        else None,
    )


@lru_cache(maxsize=_KEPT)
def _builds(bindings: tuple[RoleBinding, ...], filters: Filter, files: Files) -> Listing:
    ids = select(Build.id).where(*_build_conditions(filters, files, Build.id))
    if filters.environment_id is not None:
        ids = ids.where(Build.environment_id == filters.environment_id)
    names = _name_conditions(bindings, filters)
    if names:
        ids = ids.join(Environment, Environment.id == Build.environment_id)
        ids = ids.join(Namespace, Namespace.id == Environment.namespace_id).where(*names)
    return Listing(
        ids=ids,
        identity=Build.id,
        columns=_BUILD_COLUMNS,
        sortable={
            "id": Build.id,
            "started_on": Build.started_on,
            "scheduled_on": Build.scheduled_on,
            "ended_on": Build.ended_on,
        },
        counted=ids,
    )


async def find_build(reader: Reader, build_id: int) -> tuple[Row, Row]:
    """Return the columns of a build and those of its specification; raises NotFound."""
    rows = await reader.rows(_BUILD, build_id=build_id)
    if not rows:
        raise NotFound("build id does not exist")
    of_build = len(_BUILD_COLUMNS)
    return rows[0][:of_build], rows[0][of_build:]


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


async def list_namespaces_with_roles(reader: Reader, namespace_ids: Collection[int]) -> Sequence[Row]:
    """Return (id, name, metadata, and of a version 1 role mapping id, entity, role) of some namespaces.

    A namespace is there once for each of its role mappings; with None in their place when it has none.
    """
    return await reader.rows(_NAMESPACES_WITH_ROLES, ids=list(namespace_ids))


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


def _name_conditions(bindings: tuple[RoleBinding, ...], filters: Filter) -> list[ColumnElement[bool]]:
    """What the names of namespace and environment must be; empty when they need not be looked at."""
    conditions = [visible_environments(bindings, Namespace.name, Environment.name)]
    if filters.seen_by is not None:
        conditions.append(visible_environments(filters.seen_by, Namespace.name, Environment.name))
    if filters.search:
        # In a subquery, the names of namespaces are looked at once, not once for each of their environments.
        found = select(_named.id).where(_named.name.contains(filters.search, autoescape=True))
        conditions.append(or_(Environment.namespace_id.in_(found), contains(Environment.name, filters.search)))
    if filters.namespace:
        conditions.append(Namespace.name == filters.namespace)
    if filters.name:
        conditions.append(Environment.name == filters.name)
    return [condition for condition in conditions if not isinstance(condition, True_)]


def _build_conditions(
    filters: Filter, files: Files, build_id: InstrumentedAttribute[Any]
) -> list[ColumnElement[bool]]:
    """What the build with the id in a column must be like."""
    conditions: list[ColumnElement[bool]] = []
    if filters.status:
        of_status = Build.status == filters.status
        conditions.append(of_status if build_id is Build.id else build_id.in_(select(Build.id).where(of_status)))
    if filters.artifact:
        with_artifact = select(BuildArtifact.build_id).where(BuildArtifact.artifact_type == filters.artifact)
        conditions.append(build_id.in_(with_artifact))
    installed = build_conda_package_build.c
    for ids in files:
        # As part of the text, for the planner not to forget them; they are numbers of our own.
        known = installed.conda_package_build_id.in_([literal_column(str(file_id)) for file_id in ids])
        conditions.append(build_id.in_(select(installed.build_id).where(known)) if ids else false())
    if rest := filters.packages[_LOOKED_FOR:]:
        names = (
            select(func.count(distinct(CondaPackage.name)))
            .select_from(build_conda_package_build)
            .join(CondaPackageBuild, CondaPackageBuild.id == installed.conda_package_build_id)
            .join(CondaPackage, CondaPackage.id == CondaPackageBuild.package_id)
            .where(installed.build_id == build_id, is_any_of(CondaPackage.name, rest))
        )
        conditions.append(names.scalar_subquery() == len(rest))
    return conditions


async def _files_of_packages(reader: Reader, filters: Filter) -> Files:
    """The files of each package: by their ids the planner knows how many builds have it, by its name it does not."""
    if not filters.packages:
        return ()
    files: dict[str, list[int]] = {name: [] for name in filters.packages[:_LOOKED_FOR]}
    for name, file_id in await reader.rows(_FILES, names=list(files)):
        files[name].append(file_id)
    return tuple(tuple(sorted(ids)) for ids in files.values())


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
