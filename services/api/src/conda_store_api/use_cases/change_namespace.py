"""Changes the metadata of a namespace, and the roles its holders have elsewhere (contract §1.2, §3.7)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from conda_store_api.repositories.role_bindings import lock_namespace, replace_role_mappings
from conda_store_api.use_cases.act import Act
from conda_store_api.use_cases.ledger.public_events import Place, record_at
from conda_store_shared.contracts.public_events import NamespaceChanged
from conda_store_shared.db.models import Namespace
from conda_store_shared.domain.permission import Role, RoleBinding, parse_role
from conda_store_shared.errors import InvalidInput, NotFound
from conda_store_shared.transaction import Transaction
from conda_store_shared.web.authentication import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceChange:
    """What is put in place of what is there; None leaves it.  ``role_mappings`` are roles by ARN."""

    metadata: Mapping[str, Any] | None = None
    role_mappings: Mapping[str, Sequence[str]] | None = None


async def change_namespace(
    name: str, change: NamespaceChange, writer: Principal, transaction: Transaction, now: datetime
) -> None:
    """Change a namespace.

    Raises NotFound, and InvalidInput for a mapping that is none or that grants what the writer does not hold there.
    """
    namespace = await held_namespace(transaction, name)
    changed = []
    if change.metadata is not None:
        namespace.metadata_ = dict(change.metadata)
        changed.append("metadata")
    if change.role_mappings is not None:
        bindings = [_granted(arn, roles, writer) for arn, roles in change.role_mappings.items()]
        await replace_role_mappings(transaction.session, namespace.id, bindings)
        changed.append("role_mappings")
    if changed:
        act = Act(actor=writer.primary_namespace, now=now)
        record_at(transaction, Place(namespace.name), NamespaceChanged(changed=tuple(changed)), act)


async def held_namespace(transaction: Transaction, name: str) -> Namespace:
    """Return the namespace, held until the transaction ends; raises NotFound."""
    namespace = await lock_namespace(transaction.session, name)
    if namespace is None:
        raise NotFound("namespace does not exist")
    return namespace


def _granted(arn: str, roles: Sequence[str], writer: Principal) -> RoleBinding:
    try:
        binding = RoleBinding.parse(arn, ())
    except InvalidInput as error:
        raise InvalidInput(f"invalid entity={arn}") from error
    binding = RoleBinding(binding.namespace, binding.name, frozenset(_roles(roles)))
    if not writer.permissions_of(binding) <= writer.permissions_over(binding):
        raise InvalidInput(f"invalid entity={arn}; the roles grant more there than you hold yourself")
    return binding


def _roles(roles: Sequence[str]) -> Iterator[Role]:
    for role in roles:
        try:
            yield parse_role(role)
        except InvalidInput as error:
            raise InvalidInput(f"invalid entity={role}") from error
