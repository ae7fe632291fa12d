"""Takes away what other namespaces were granted in this one (contract §1.2, role mappings version 2)."""

from datetime import datetime

from conda_store_api.repositories.role_bindings import revoke_roles
from conda_store_api.use_cases.act import Act
from conda_store_api.use_cases.change_namespace import held_namespace
from conda_store_api.use_cases.grant_role import Grant, other_namespace
from conda_store_api.use_cases.ledger.public_events import Place, record_at
from conda_store_shared.contracts.public_events import RoleRevoked
from conda_store_shared.transaction import Transaction


async def revoke_role(grant: Grant, transaction: Transaction) -> None:
    """Take away the role of another namespace, if it has one; raises NotFound, InvalidInput."""
    namespace = await held_namespace(transaction, grant.namespace)
    other = await other_namespace(transaction, grant.other_namespace)
    if await revoke_roles(transaction.session, namespace.id, other.id):
        revoked = RoleRevoked(other_namespace=grant.other_namespace)
        record_at(transaction, Place(grant.namespace), revoked, grant.act)


async def revoke_all_roles(name: str, actor: str | None, transaction: Transaction, now: datetime) -> None:
    """Take away every role granted in a namespace; raises NotFound."""
    namespace = await held_namespace(transaction, name)
    if await revoke_roles(transaction.session, namespace.id):
        record_at(transaction, Place(name), RoleRevoked(other_namespace=None), Act(actor=actor, now=now))
