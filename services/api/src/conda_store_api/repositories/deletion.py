"""Marks what is deleted, and removes rows of which nothing is left on disk or in the bucket."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Delete, Update, bindparam, delete, exists, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from conda_store_shared.db.models import (
    Build,
    BuildArtifact,
    BuildLog,
    Discard,
    Environment,
    Namespace,
    NamespaceRoleMapping,
    NamespaceRoleMappingV2,
    PublicEvent,
    Specification,
)
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.build import BuildStatus
from conda_store_shared.domain.public_event import PublicEventType

# As the partial indexes say it.
_ERASED_BUILD = text("erased_on IS NOT NULL")
_ERASED_ENVIRONMENT = text("(erased_through > 0 OR deleted_on IS NOT NULL)")
_order = Build.order
_WHEREABOUTS = select(
    _order["prefix"]["path"].as_string(),
    _order["prefix"]["link"].as_string(),
    _order["solve"]["deadline"].as_float(),
    _order["prefix"]["deadline"].as_float(),
    _order["artifact_deadline"].as_float(),
).where(Build.id == bindparam("of_build"))
_WHO_DELETED = (
    select(PublicEvent.actor)
    .where(
        PublicEvent.namespace == bindparam("namespace"),
        PublicEvent.environment == bindparam("environment"),
        PublicEvent.type == PublicEventType.ENVIRONMENT_DELETED,
    )
    .order_by(PublicEvent.id.desc())
    .limit(1)
)
_BUILDS_AT_ONCE = 20
_PLACES_AT_ONCE = 200


async def mark_build_deleted(session: AsyncSession, build_id: int, now: datetime, *, erased: bool) -> None:
    """Note that a build is deleted, and whether its row is to go as well."""
    values = {"deleted_on": func.coalesce(Build.deleted_on, now), **({"erased_on": now} if erased else {})}
    changed = update(Build).where(Build.id == build_id).values(**values)
    await session.execute(changed.execution_options(synchronize_session=False))


async def find_who_deleted(session: AsyncSession, namespace: str, environment: str) -> str | None:
    """Return who deleted an environment, as the newest event of that says; None when nobody did, or it is gone."""
    return await session.scalar(_WHO_DELETED, {"namespace": namespace, "environment": environment})


async def forget_log(session: AsyncSession, build_id: int, now: datetime) -> None:
    """Remove the log of a build, and see that no object is made of it any more."""
    await session.execute(delete(BuildLog).where(BuildLog.build_id == build_id))
    await session.execute(update(Build).where(Build.id == build_id).values(logs_stored_on=now))


async def free_size(session: AsyncSession, build_id: int) -> None:
    """Note that a deleted build takes no room on the disk."""
    await session.execute(update(Build).where(Build.id == build_id, Build.deleted_on.is_not(None)).values(size=0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """What a build's order tells of where things are; None where it has none.

    ``longest_work`` is in seconds: the longest any stage may take.
    """

    prefix: str | None
    link: str | None
    longest_work: float | None


async def find_whereabouts(session: AsyncSession, build_id: int) -> Whereabouts:
    """Return where the things of a build are; its order, which may be large, is not read for it."""
    row: tuple[Any, ...] = tuple((await session.execute(_WHEREABOUTS, {"of_build": build_id})).one())
    known = [deadline for deadline in row[2:] if deadline is not None]
    return Whereabouts(prefix=row[0], link=row[1], longest_work=max(known, default=None))


@dataclass(frozen=True, slots=True)
class DroppedArtifact:
    """An artifact that is recorded no more; ``is_shared`` says that another build has recorded the same object."""

    type: str
    key: str
    is_shared: bool


async def drop_artifacts(
    session: AsyncSession, build_id: int, kept: Collection[ArtifactType]
) -> Sequence[DroppedArtifact]:
    """Forget the artifacts of a build but for those of the ``kept`` types; return what they were."""
    other = aliased(BuildArtifact)
    is_shared = exists().where(other.key == BuildArtifact.key, other.build_id != BuildArtifact.build_id)
    rows = await session.execute(
        select(BuildArtifact.id, BuildArtifact.artifact_type, BuildArtifact.key, is_shared)
        .where(BuildArtifact.build_id == build_id, BuildArtifact.artifact_type.not_in(kept))
        .order_by(BuildArtifact.id)
    )
    dropped = {row[0]: DroppedArtifact(row[1], row[2], row[3]) for row in rows}
    await session.execute(delete(BuildArtifact).where(BuildArtifact.id.in_(dropped)))
    return list(dropped.values())


async def find_fallback(session: AsyncSession, environment: Environment, build_id: int) -> Build | None:
    """Return the build that becomes current when ``build_id`` is deleted: the newest one, COMPLETED ones first."""
    found: Build | None = await session.scalar(
        select(Build)
        .where(
            Build.environment_id == environment.id,
            Build.id != build_id,
            Build.id > environment.erased_through,
            Build.deleted_on.is_(None),
        )
        .order_by(Build.status != BuildStatus.COMPLETED, Build.id.desc())
        .limit(1)
    )
    return found


async def lock_namespace(session: AsyncSession, name: str) -> Namespace | None:
    """Return a namespace to which nothing can be added until the transaction ends; None when there is none."""
    found: Namespace | None = await session.scalar(
        select(Namespace).where(Namespace.name == name).with_for_update().execution_options(populate_existing=True)
    )
    return found


async def lock_environments(session: AsyncSession, namespace_id: int) -> Sequence[Environment]:
    """Return the environments of a namespace that are not being deleted, locked until the transaction ends."""
    rows = await session.scalars(
        select(Environment)
        .where(Environment.namespace_id == namespace_id, Environment.deleted_on.is_(None))
        .order_by(Environment.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return rows.all()


async def remove_role_mappings(session: AsyncSession, namespace_id: int) -> None:
    """Remove every role granted by or to a namespace."""
    granted, received = NamespaceRoleMappingV2.namespace_id, NamespaceRoleMappingV2.other_namespace_id
    await session.execute(delete(NamespaceRoleMapping).where(NamespaceRoleMapping.namespace_id == namespace_id))
    await session.execute(delete(NamespaceRoleMappingV2).where(or_(granted == namespace_id, received == namespace_id)))


async def find_newest_builds(session: AsyncSession, environment_ids: Collection[int]) -> Mapping[int, int]:
    """Return the highest build id of each environment that has builds."""
    rows = await session.execute(
        select(Build.environment_id, func.max(Build.id))
        .where(Build.environment_id.in_(environment_ids))
        .group_by(Build.environment_id)
    )
    return {row[0]: row[1] for row in rows}


async def list_links(session: AsyncSession, environment_ids: Collection[int]) -> Mapping[int, Sequence[str]]:
    """Return the symbolic links that the orders of each environment's builds name."""
    link: ColumnElement[str] = Build.order["prefix"]["link"].as_string()
    rows = await session.execute(
        select(Build.environment_id, link)
        .where(Build.environment_id.in_(environment_ids), link.is_not(None))
        .distinct()
        .order_by(Build.environment_id, link)
    )
    links: dict[int, list[str]] = defaultdict(list)
    for environment_id, path in rows:
        links[environment_id].append(path)
    return links


async def list_builds_to_erase(session: AsyncSession, limit: int) -> Sequence[int]:
    """Return the ids of builds that went with their environment, and that nothing was done about yet."""
    going = select(Environment.id, Environment.erased_through).where(_ERASED_ENVIRONMENT).subquery()
    rows = await session.scalars(
        select(Build.id)
        .join(going, going.c.id == Build.environment_id)
        .where(Build.id <= going.c.erased_through, Build.erased_on.is_(None))
        .order_by(Build.id)
        .limit(limit)
    )
    return rows.all()


async def remove_erased_builds(session: AsyncSession) -> int:
    """Remove some builds of which nothing is left, and specifications that no other build has; return how many."""
    is_going = exists().where(Discard.build_id == Build.id, Discard.late.is_(False))
    rows = await session.execute(
        select(Build.id, Build.specification_id)
        .where(_ERASED_BUILD, ~is_going)
        .order_by(Build.id)
        .limit(_BUILDS_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    builds = [(build_id, specification_id) for build_id, specification_id in rows]
    if builds:
        await session.execute(delete(Build).where(Build.id.in_([build_id for build_id, _ in builds])))
        await _remove_orphans(session, {specification_id for _, specification_id in builds})
    return len(builds)


async def _remove_orphans(session: AsyncSession, specification_ids: Collection[int]) -> None:
    # Held first, so that the next statement sees whatever build was added until then.
    ids = select(Specification.id).where(Specification.id.in_(specification_ids)).order_by(Specification.id)
    await session.execute(ids.with_for_update())
    is_used = exists().where(Build.specification_id == Specification.id)
    await session.execute(delete(Specification).where(Specification.id.in_(specification_ids), ~is_used))


async def remove_erased_environments(session: AsyncSession) -> int:
    """Remove some environments of which nothing is left; return how many were changed.

    One whose name is in use again stays; only what was before is forgotten.
    """
    has_builds = exists().where(Build.environment_id == Environment.id, Build.id <= Environment.erased_through)
    has_link = exists().where(Discard.environment_id == Environment.id, Discard.late.is_(False))
    rows = await session.scalars(
        select(Environment.id)
        .where(_ERASED_ENVIRONMENT, ~has_builds, ~has_link)
        .order_by(Environment.id)
        .limit(_PLACES_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    ids = rows.all()
    if not ids:
        return 0
    # Asked once more: a name may have been taken into use while we waited for the rows.
    is_used = exists().where(Build.environment_id == Environment.id)
    gone = delete(Environment).where(Environment.id.in_(ids), Environment.deleted_on.is_not(None), ~is_used)
    revived = update(Environment).where(Environment.id.in_(ids), Environment.deleted_on.is_(None), ~has_builds)
    return await _changed(session, gone) + await _changed(session, revived.values(erased_through=0))


async def remove_erased_namespaces(session: AsyncSession) -> int:
    """Remove some namespaces that are empty and deleted; return how many."""
    is_gone = Namespace.deleted_on.is_not(None) & ~exists().where(Environment.namespace_id == Namespace.id)
    ids = select(Namespace.id).where(is_gone).order_by(Namespace.id).limit(_PLACES_AT_ONCE)
    found = (await session.scalars(ids.with_for_update(skip_locked=True))).all()
    if not found:
        return 0
    return await _changed(session, delete(Namespace).where(Namespace.id.in_(found), is_gone))


async def _changed(session: AsyncSession, statement: Delete | Update) -> int:
    result = await session.execute(statement.execution_options(synchronize_session=False))
    return int(result.rowcount)  # type: ignore[attr-defined]
