"""Rows of environments and namespaces that the ledger and the routes need."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_shared.db.models import Build, Environment, Namespace
from conda_store_shared.db.statements import insert_new


async def find_namespace(session: AsyncSession, name: str) -> Namespace | None:
    """Return a namespace by its name, one being deleted included."""
    found: Namespace | None = await session.scalar(select(Namespace).where(Namespace.name == name))
    return found


async def ensure_namespace(session: AsyncSession, name: str) -> tuple[Namespace, bool]:
    """Return the namespace, and whether it was made now."""
    new = await insert_new(session, Namespace, {"name": name, "metadata_": {}})
    found = await session.scalar(select(Namespace).where(Namespace.name == name))
    assert found is not None  # noqa: S101 - inserted above
    return found, new


async def ensure_environment(session: AsyncSession, namespace_id: int, name: str) -> tuple[Environment, bool]:
    """Return the environment, locked, and whether it was made now."""
    row = {"namespace_id": namespace_id, "name": name, "generation": 0, "linked_generation": 0, "description": ""}
    new = await insert_new(session, Environment, row)
    found = await session.scalar(
        select(Environment)
        .where(Environment.namespace_id == namespace_id, Environment.name == name)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    assert found is not None  # noqa: S101 - inserted above
    return found, new


async def find_environment(session: AsyncSession, namespace: str, name: str) -> tuple[Environment, Namespace] | None:
    """Return an environment with its namespace."""
    row = (
        await session.execute(
            select(Environment, Namespace)
            .join(Namespace, Namespace.id == Environment.namespace_id)
            .where(Namespace.name == namespace, Environment.name == name)
        )
    ).one_or_none()
    return None if row is None else (row[0], row[1])


async def choose_completed_build(session: AsyncSession, build: Build, now: datetime) -> int | None:
    """Make a build that just completed the current one; return the new generation, or None when it may not be.

    A build with a higher id stays current, and so does one that a user chose after this one was scheduled.
    """
    generation: int | None = await session.scalar(
        update(Environment)
        .where(
            Environment.id == build.environment_id,
            (Environment.current_build_id.is_(None)) | (Environment.current_build_id <= build.id),
            (Environment.chosen_on.is_(None)) | (Environment.chosen_on < build.scheduled_on),
        )
        .values(current_build_id=build.id, generation=Environment.generation + 1, link_requested_on=now)
        .returning(Environment.generation)
        .execution_options(synchronize_session=False)
    )
    return generation


async def choose_build(session: AsyncSession, environment_id: int, build_id: int, now: datetime) -> int:
    """Make a build the current one because a user says so; return the new generation."""
    generation: int | None = await session.scalar(
        update(Environment)
        .where(Environment.id == environment_id)
        .values(
            current_build_id=build_id, generation=Environment.generation + 1, chosen_on=now, link_requested_on=now
        )
        .returning(Environment.generation)
        .execution_options(synchronize_session=False)
    )
    assert generation is not None  # noqa: S101 - the caller holds the row
    return generation


async def mark_linked(session: AsyncSession, namespace: str, name: str, generation: int) -> bool:
    """Note that the link shows ``generation``; False when a newer one was noted already."""
    inside = select(Namespace.id).where(Namespace.name == namespace).scalar_subquery()
    result = await session.execute(
        update(Environment)
        .where(
            Environment.namespace_id == inside,
            Environment.name == name,
            Environment.linked_generation < generation,
        )
        .values(linked_generation=generation)
        .execution_options(synchronize_session=False)
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]


async def list_unlinked(session: AsyncSession, before: datetime) -> Sequence[tuple[Environment, Namespace, Build]]:
    """Return environments whose link was requested before a moment and is not there yet."""
    rows = await session.execute(
        select(Environment, Namespace, Build)
        .join(Namespace, Namespace.id == Environment.namespace_id)
        .join(Build, Build.id == Environment.current_build_id)
        .where(
            Environment.linked_generation < Environment.generation,
            Environment.link_requested_on < before,
            # Environments of hashed build keys have no link.
            Build.build_key_version != 3,
            Environment.deleted_on.is_(None),
        )
        .limit(1000)
    )
    return [(environment, namespace, build) for environment, namespace, build in rows]
