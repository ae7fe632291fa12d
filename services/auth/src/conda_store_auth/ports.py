"""Whoever vouches for people."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from conda_store_shared.domain.permission import RoleBinding


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What somebody typed into the login page."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginAttempt:
    """One login at a provider: what we tell it when we send the browser there and have to see again at the end.

    ``state`` ties the answer to the browser, ``nonce`` the id token to the login, ``code_verifier`` the authorization
    code to us; ``callback_url`` is where the browser comes back to.
    """

    state: str
    nonce: str
    code_verifier: str
    callback_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """What the browser brings back from a provider; ``issuer`` is who says so, where the provider tells."""

    attempt: LoginAttempt
    code: str
    issuer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who somebody is found to be, at most until ``expiration``; the name is their primary namespace."""

    username: str
    bindings: tuple[RoleBinding, ...]
    expiration: datetime | None = None


Proof = TypeVar("Proof", contravariant=True)


class IdentityProvider(Protocol[Proof]):
    """Tells who somebody is."""

    async def identify(self, proof: Proof, /) -> Identity:
        """Return whose proof this is.

        Raises NotAuthenticated when it is nobody's, NotAuthorized for somebody who may not log in, and
        ProviderUnavailable when whoever knows does not answer.
        """
        ...


class PasswordProvider(IdentityProvider[Credentials], Protocol):
    """Knows people by what they type into our own page; ``asks`` is whether there is anything to type."""

    @property
    def asks(self) -> bool:
        """Whether name and password matter."""
        ...


class RedirectProvider(IdentityProvider[Callback], Protocol):
    """Knows people who log in on its own pages."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    async def authorization_url(self, attempt: LoginAttempt) -> str:
        """Return the page of the provider to send the browser to; raises ProviderUnavailable."""
        ...
