"""A provider that a configuration file brings along: a class with ``authenticate`` (contract §3.8)."""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol, cast

from starlette.requests import Request

from conda_store_auth.ports import Identity
from conda_store_shared.domain.permission import RoleBinding
from conda_store_shared.errors import NotAuthenticated


class Authenticated(Protocol):
    """What ``authenticate`` returns of somebody: times without a zone are UTC."""

    exp: datetime | None
    primary_namespace: str
    role_bindings: Mapping[str, Iterable[str]]


Authenticate = Callable[[Request], Awaitable[Authenticated | None] | Authenticated | None]


class OwnProvider:
    """Asks a function of the administrator's; it reads what was posted by itself."""

    asks = True

    def __init__(self, authenticate: Authenticate) -> None:
        self._authenticate = authenticate

    async def identify(self, request: Request) -> Identity:
        """Return whom the function knows; raises NotAuthenticated when it knows nobody, and what it raises."""
        told: Any = self._authenticate(request)
        found = cast("Authenticated | None", await told if inspect.isawaitable(told) else told)
        if found is None:
            raise NotAuthenticated("Invalid authentication credentials")
        expiration = found.exp
        return Identity(
            username=found.primary_namespace,
            bindings=tuple(RoleBinding.parse(entity, roles) for entity, roles in found.role_bindings.items()),
            expiration=expiration.replace(tzinfo=UTC) if expiration and expiration.tzinfo is None else expiration,
        )
