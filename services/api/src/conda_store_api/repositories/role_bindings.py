"""Rows of roles granted by namespaces: version 1 to patterns, version 2 to other namespaces (contract §3.7)."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Select, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from conda_store_shared.db.models import Namespace, NamespaceRoleMapping, NamespaceRoleMappingV2
from conda_store_shared.db.statements import insert_new
from conda_store_shared.domain.permission import Role, RoleBinding

_GRANTEE = aliased(Namespace)


async def lock_namespace(session: AsyncSession, name: str) -> Namespace | None:
    """Return a namespace, which nobody else changes until the transaction ends; None when there is none."""
    found: Namespace | None = await session.scalar(
        select(Namespace)
        .where(Namespace.name == name, Namespace.deleted_on.is_(None))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return found


async def replace_role_mappings(session: AsyncSession, namespace_id: int, bindings: Iterable[RoleBinding]) -> None:
    """Let the version 1 mappings of a locked namespace be these and no others."""
    await session.execute(delete(NamespaceRoleMapping).where(NamespaceRoleMapping.namespace_id == namespace_id))
    session.add_all(
        NamespaceRoleMapping(namespace_id=namespace_id, entity=binding.arn, role=role)
        for binding in bindings
        for role in sorted(binding.roles)
    )
    await session.flush()


async def list_granted_roles(
    session: AsyncSession, namespace_id: int
) -> Sequence[tuple[NamespaceRoleMappingV2, str, str]]:
    """Return the version 2 mappings of a namespace, each with both names, the grantee's last."""
    return [(row[0], row[1], row[2]) for row in await session.execute(_granted(namespace_id))]


async def find_granted_role(
    session: AsyncSession, namespace_id: int, other_id: int
) -> tuple[NamespaceRoleMappingV2, str, str] | None:
    """Return the version 2 mapping between two namespaces, with both names."""
    query = _granted(namespace_id).where(NamespaceRoleMappingV2.other_namespace_id == other_id)
    row = (await session.execute(query)).one_or_none()
    return None if row is None else (row[0], row[1], row[2])


async def grant_role_to(session: AsyncSession, namespace_id: int, other_id: int, role: Role) -> bool:
    """Grant another namespace a role; False when it has one."""
    row = {"namespace_id": namespace_id, "other_namespace_id": other_id, "role": role}
    return await insert_new(session, NamespaceRoleMappingV2, row)


async def change_role_of(session: AsyncSession, namespace_id: int, other_id: int, role: Role) -> bool:
    """Grant another namespace another role; False when it has none."""
    result = await session.execute(
        update(NamespaceRoleMappingV2)
        .where(
            NamespaceRoleMappingV2.namespace_id == namespace_id,
            NamespaceRoleMappingV2.other_namespace_id == other_id,
        )
        .values(role=role)
        .execution_options(synchronize_session=False)
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]


async def revoke_roles(session: AsyncSession, namespace_id: int, other_id: int | None = None) -> bool:
    """Take away what another namespace (or, with None, every one) was granted; False when that was nothing."""
    granted = NamespaceRoleMappingV2.namespace_id == namespace_id
    if other_id is not None:
        granted &= NamespaceRoleMappingV2.other_namespace_id == other_id
    result = await session.execute(
        delete(NamespaceRoleMappingV2).where(granted).execution_options(synchronize_session=False)
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]


def _granted(namespace_id: int) -> Select[NamespaceRoleMappingV2, str, str]:
    return (
        select(NamespaceRoleMappingV2, Namespace.name, _GRANTEE.name)
        .join(Namespace, Namespace.id == NamespaceRoleMappingV2.namespace_id)
        .join(_GRANTEE, _GRANTEE.id == NamespaceRoleMappingV2.other_namespace_id)
        .where(NamespaceRoleMappingV2.namespace_id == namespace_id)
        .order_by(NamespaceRoleMappingV2.id)
    )
