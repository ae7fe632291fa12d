"""Role bindings that the database grants to whoever has a namespace as primary one (contract §3.7)."""

from collections import defaultdict

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from conda_store_shared.db.models import Namespace, NamespaceRoleMapping, NamespaceRoleMappingV2


async def list_role_bindings(session: AsyncSession, primary_namespace: str, version: int) -> dict[str, list[str]]:
    """Return roles by ARN for holders of ``primary_namespace``; ``version`` (1 or 2) picks the table."""
    if version == 1:
        rows = await session.execute(
            select(NamespaceRoleMapping.entity, NamespaceRoleMapping.role)
            .join(Namespace, Namespace.id == NamespaceRoleMapping.namespace_id)
            .where(Namespace.name == primary_namespace, Namespace.deleted_on.is_(None))
        )
    else:
        grantee = aliased(Namespace)
        rows = await session.execute(
            select(Namespace.name + "/*", NamespaceRoleMappingV2.role)
            .select_from(NamespaceRoleMappingV2)
            .join(Namespace, Namespace.id == NamespaceRoleMappingV2.namespace_id)
            .join(grantee, grantee.id == NamespaceRoleMappingV2.other_namespace_id)
            .where(grantee.name == primary_namespace, Namespace.deleted_on.is_(None))
        )
    bindings: dict[str, list[str]] = defaultdict(list)
    for arn, role in rows:
        bindings[arn].append(role)
    return dict(bindings)
