"""Takes away what other namespaces were granted in this one (contract §1.2, role mappings version 2)."""

from datetime import datetime

from conda_store_api.repositories.role_bindings import revoke_roles
from conda_store_api.use_cases.change_namespace import held_namespace
from conda_store_api.use_cases.grant_role import Grant, other_namespace, record_grant
from conda_store_shared.db.models import PublicEvent
from conda_store_shared.domain.public_event import PublicEventType
from conda_store_shared.transaction import Transaction


async def revoke_role(grant: Grant, transaction: Transaction) -> None:
    """Take away the role of another namespace, if it has one; raises NotFound, InvalidInput."""
    namespace = await held_namespace(transaction, grant.namespace)
    other = await other_namespace(transaction, grant.other_namespace)
    if await revoke_roles(transaction.session, namespace.id, other.id):
        record_grant(transaction, grant, PublicEventType.ROLE_REVOKED, None)


async def revoke_all_roles(name: str, actor: str | None, transaction: Transaction, now: datetime) -> None:
    """Take away every role granted in a namespace; raises NotFound."""
    namespace = await held_namespace(transaction, name)
    if await revoke_roles(transaction.session, namespace.id):
        transaction.record(
            PublicEvent(
                type=PublicEventType.ROLE_REVOKED, time=now, namespace=name, actor=actor, data={"other_namespace": None}
            )
        )
