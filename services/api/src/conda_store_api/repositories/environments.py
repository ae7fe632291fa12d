"""Rows of environments and namespaces that the ledger and the routes need."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, bindparam, case, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_shared.contracts.events import EnvironmentLinked
from conda_store_shared.db.models import Build, Environment, Namespace
from conda_store_shared.db.statements import insert_new
from conda_store_shared.domain.build import BuildStatus

# Any number will do, as long as nothing else locks it.
_OWN_DYNAMIC = text(f"SELECT pg_advisory_xact_lock({0x64796E61_6D})")
# Made once: putting a statement together takes longer than running it.
_NAMESPACE = select(Namespace).where(Namespace.name == bindparam("of_name"))
_HELD_NAMESPACE = _NAMESPACE.with_for_update(read=True, key_share=True).execution_options(populate_existing=True)
_environment = Environment.__table__.c
_COMPLETED = (
    update(Environment.__table__)  # type: ignore[arg-type]
    .where(
        _environment.id == bindparam("of_environment"),
        _environment.deleted_on.is_(None),
        _environment.erased_through < bindparam("of_build"),
        (_environment.current_build_id.is_(None)) | (_environment.current_build_id <= bindparam("of_build")),
        (_environment.chosen_on.is_(None)) | (_environment.chosen_on < bindparam("scheduled_on")),
    )
    .values(
        current_build_id=bindparam("of_build"),
        generation=_environment.generation + 1,
        link_requested_on=bindparam("now"),
    )
    .returning(_environment.generation)
)


async def own_dynamic_environments(session: AsyncSession) -> None:
    """Let nobody else make environments of images until this transaction ends; the first thing it does.

    On SQLite transactions that write go one by one, and nothing is to be done.
    """
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(_OWN_DYNAMIC)


async def find_namespace(session: AsyncSession, name: str) -> Namespace | None:
    """Return a namespace by its name, one being deleted included."""
    found: Namespace | None = await session.scalar(_NAMESPACE, {"of_name": name})
    return found


async def ensure_namespace(session: AsyncSession, name: str) -> tuple[Namespace, bool]:
    """Return the namespace, and whether it was made now; one that is being deleted is made anew.

    It cannot be deleted until the transaction ends.
    """
    new, found = False, await _hold_namespace(session, name)
    while found is None:
        new = await insert_new(session, Namespace, {"name": name, "metadata_": {}})
        # Another transaction may have removed the row just now.
        found = await _hold_namespace(session, name)
    if found.deleted_on is not None:
        new = await _revive_namespace(session, found.id)
        await session.refresh(found)
    return found, new


async def _hold_namespace(session: AsyncSession, name: str) -> Namespace | None:
    found: Namespace | None = await session.scalar(_HELD_NAMESPACE, {"of_name": name})
    return found


async def ensure_environment(session: AsyncSession, namespace_id: int, name: str) -> tuple[Environment, bool]:
    """Return the environment, locked, and whether it was made now; one that is being deleted is made anew."""
    row = {"namespace_id": namespace_id, "name": name, "generation": 0, "linked_generation": 0, "description": ""}
    new, found = False, None
    while found is None:
        new = await insert_new(session, Environment, {**row, "erased_through": 0})
        found = await _lock(session, (Environment.namespace_id == namespace_id) & (Environment.name == name))
    if found.deleted_on is not None:
        # The pointers of the earlier one are void; its builds go on leaving, and the generations of its link count on.
        found.deleted_on = found.current_build_id = found.chosen_on = None
        found.description, new = "", True
    return found, new


async def lock_environment(session: AsyncSession, environment_id: int) -> Environment | None:
    """Return the environment locked until the transaction ends; None when it is gone."""
    return await _lock(session, Environment.id == environment_id)


async def lock_named_environment(session: AsyncSession, namespace: str, name: str) -> Environment | None:
    """Return the environment locked until the transaction ends; None when there is none."""
    inside = select(Namespace.id).where(Namespace.name == namespace).scalar_subquery()
    return await _lock(session, (Environment.namespace_id == inside) & (Environment.name == name))


async def _lock(session: AsyncSession, condition: ColumnElement[bool]) -> Environment | None:
    found: Environment | None = await session.scalar(
        select(Environment).where(condition).with_for_update().execution_options(populate_existing=True)
    )
    return found


async def _revive_namespace(session: AsyncSession, namespace_id: int) -> bool:
    """Use the name of a namespace that is being deleted for a new one; False when another transaction has."""
    result = await session.execute(
        update(Namespace)
        .where(Namespace.id == namespace_id, Namespace.deleted_on.is_not(None))
        .values(deleted_on=None, metadata_={})
        .execution_options(synchronize_session=False)
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]


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

    A build with a higher id stays current, and so does one that a user chose after this one was scheduled.  Of an
    environment that is being deleted nothing becomes current.
    """
    connection = await session.connection()
    values = {
        "of_environment": build.environment_id,
        "of_build": build.id,
        "scheduled_on": build.scheduled_on,
        "now": now,
    }
    generation: int | None = await connection.scalar(_COMPLETED, values)
    return generation


async def choose_build(session: AsyncSession, environment_id: int, build_id: int, now: datetime) -> int | None:
    """Make a build the current one because a user says so; return the new generation.

    None when the environment, or all its builds until this one, are being deleted.
    """
    generation: int | None = await session.scalar(
        update(Environment)
        .where(
            Environment.id == environment_id,
            Environment.deleted_on.is_(None),
            Environment.erased_through < build_id,
        )
        .values(current_build_id=build_id, generation=Environment.generation + 1, chosen_on=now, link_requested_on=now)
        .returning(Environment.generation)
        .execution_options(synchronize_session=False)
    )
    return generation


async def mark_linked(session: AsyncSession, event: EnvironmentLinked) -> tuple[int, range] | None:
    """Note the generation that the link shows; return the environment's id and the generations that are new to it.

    None when a newer one was noted already.  What was said of an earlier environment of the same name counts for
    nothing.
    """
    inside = select(Namespace.id).where(Namespace.name == event.namespace).scalar_subquery()
    named = (Environment.namespace_id == inside) & (Environment.name == event.environment)
    found = await _lock(session, Environment.id == event.environment_id if event.environment_id else named)
    if found is None or found.linked_generation >= event.generation:
        return None
    new = range(found.linked_generation + 1, event.generation + 1)
    found.linked_generation = event.generation
    return found.id, new


async def note_tell_requested(session: AsyncSession, environment_id: int, now: datetime) -> None:
    """Note that the hook of the deployment is to be told of an environment."""
    await session.execute(
        update(Environment)
        .where(Environment.id == environment_id)
        .values(tell_requested_on=now)
        .execution_options(synchronize_session=False)
    )


async def is_told(session: AsyncSession, environment_id: int, generation: int) -> bool:
    """Whether the hook was told of this change of an environment, or of one after it."""
    told = await session.scalar(select(Environment.told_generation).where(Environment.id == environment_id))
    return told is not None and told >= generation


async def mark_told(session: AsyncSession, environment_id: int, generation: int) -> None:
    """Note that the hook of the deployment was told of a change of an environment."""
    await session.execute(
        update(Environment)
        .where(Environment.id == environment_id, Environment.told_generation < generation)
        .values(told_generation=generation)
        .execution_options(synchronize_session=False)
    )


async def list_untold(session: AsyncSession, before: datetime) -> Sequence[tuple[int, range]]:
    """Return ids of environments with the changes that users see and the hook was not told of.

    Those for which it was asked before a moment only, or never.
    """
    shown: ColumnElement[int] = case(
        (Build.build_key_version == 3, Environment.generation), else_=Environment.linked_generation
    )
    rows = await session.execute(
        select(Environment.id, Environment.told_generation, shown)
        .join(Build, Build.id == Environment.current_build_id)
        .where(
            Environment.told_generation < Environment.generation,
            Environment.told_generation < shown,
            Environment.deleted_on.is_(None),
            Build.status == BuildStatus.COMPLETED,
            Environment.tell_requested_on.is_(None) | (Environment.tell_requested_on < before),
        )
        .limit(1000)
    )
    return [(environment_id, range(told + 1, until + 1)) for environment_id, told, until in rows]


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
