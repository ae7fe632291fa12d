"""Rights that a test grants and takes back itself."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from conda_store_shared.domain.permission import RoleBinding


@dataclass(kw_only=True)
class MemoryRights:
    """``Rights`` of a database that is a dictionary: ``granted`` are roles by ARN, by primary namespace."""

    granted: dict[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)

    async def bindings_of(self, primary_namespace: str) -> Sequence[RoleBinding]:
        """Return what the test granted."""
        granted = self.granted.get(primary_namespace, {})
        return [RoleBinding.parse(arn, roles) for arn, roles in granted.items()]

    async def is_revoked(self, identifier: str) -> bool:
        """Whether the test took the token back."""
        return identifier in self.revoked

    async def revoked_among(self, identifiers: AbstractSet[str]) -> AbstractSet[str]:
        """Return those that the test took back."""
        return identifiers & self.revoked
