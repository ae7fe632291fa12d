"""Whoever vouches for people."""

from dataclasses import dataclass
from typing import Protocol

from conda_store_shared.domain.permission import RoleBinding


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What somebody typed into the login page."""

    username: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who somebody is found to be; the name is their primary namespace."""

    username: str
    bindings: tuple[RoleBinding, ...]


class IdentityProvider(Protocol):
    """Tells who somebody is."""

    async def identify(self, credentials: Credentials) -> Identity:
        """Return whose credentials these are; raises NotAuthenticated when they are nobody's."""
        ...
