"""Grants holders of another namespace a role in this one (contract §1.2, role mappings version 2)."""

from dataclasses import dataclass
from datetime import datetime

from conda_store_api.repositories.environments import find_namespace
from conda_store_api.repositories.role_bindings import change_role_of, grant_role_to
from conda_store_api.use_cases.act import Act
from conda_store_api.use_cases.change_namespace import held_namespace
from conda_store_api.use_cases.ledger.public_events import Place, record_at
from conda_store_shared.contracts.public_events import RoleGranted
from conda_store_shared.db.models import Namespace
from conda_store_shared.domain.permission import Role, parse_role
from conda_store_shared.errors import Conflict, InvalidInput, NotFound
from conda_store_shared.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Who grants what to whom, and when; ``role`` as it was sent, or None where it is taken away."""

    namespace: str
    other_namespace: str
    role: str | None = None
    actor: str | None
    now: datetime

    @property
    def act(self) -> Act:
        """Who does it, and when."""
        return Act(actor=self.actor, now=self.now)


async def grant_role(grant: Grant, transaction: Transaction) -> None:
    """Grant a role to a namespace that has none.

    Raises NotFound, InvalidInput for another namespace or a role that is none, and Conflict when it has one.
    """
    namespace = await held_namespace(transaction, grant.namespace)
    other, role = await other_namespace(transaction, grant.other_namespace), parse_role(grant.role or "")
    if not await grant_role_to(transaction.session, namespace.id, other.id, role):
        raise Conflict(
            f"namespace='{other.name}' has a role in namespace='{namespace.name}' already; use PUT to change it"
        )
    _record(transaction, grant, role)


async def change_role(grant: Grant, transaction: Transaction) -> None:
    """Grant another role to a namespace that has one; raises NotFound, InvalidInput."""
    namespace = await held_namespace(transaction, grant.namespace)
    other, role = await other_namespace(transaction, grant.other_namespace), parse_role(grant.role or "")
    if not await change_role_of(transaction.session, namespace.id, other.id, role):
        raise NotFound("failed to find role")
    _record(transaction, grant, role)


async def other_namespace(transaction: Transaction, name: str) -> Namespace:
    """Return the namespace that roles are granted to; raises InvalidInput."""
    namespace = await find_namespace(transaction.session, name)
    if namespace is None or namespace.deleted_on is not None:
        raise InvalidInput(f"Namespace='{name}' not found")
    return namespace


def _record(transaction: Transaction, grant: Grant, role: Role) -> None:
    granted = RoleGranted(other_namespace=grant.other_namespace, role=role)
    record_at(transaction, Place(grant.namespace), granted, grant.act)
