"""The providers for testing: every right for whoever comes."""

import hmac

from conda_store_auth.ports import Credentials, Identity
from conda_store_shared.domain.permission import Role, RoleBinding
from conda_store_shared.errors import NotAuthenticated

_EVERY_RIGHT = (RoleBinding("*", "*", frozenset({Role.ADMIN})),)


class DummyProvider:
    """Takes anybody who knows the one password; with an empty one, anybody at all."""

    asks = True

    def __init__(self, password: str) -> None:
        self._password = password.encode()

    async def identify(self, credentials: Credentials) -> Identity:
        """Return the identity of the name given; raises NotAuthenticated."""
        presented = credentials.password.encode("utf-8", "replace")
        if self._password and not hmac.compare_digest(presented, self._password):
            raise NotAuthenticated("Invalid authentication credentials")
        return Identity(username=credentials.username, bindings=_EVERY_RIGHT)


class OpenProvider:
    """Takes everybody for one and the same person."""

    asks = False

    def __init__(self, username: str = "default") -> None:
        self._identity = Identity(username=username, bindings=_EVERY_RIGHT)

    async def identify(self, _credentials: Credentials) -> Identity:
        """Return that person."""
        return self._identity
