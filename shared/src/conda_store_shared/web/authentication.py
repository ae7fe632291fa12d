"""Who sends a request, and what they may do (contract §3)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

from starlette.requests import HTTPConnection, Request

from conda_store_shared.domain.permission import (
    PERMISSIONS_OF_ROLE,
    Permission,
    Role,
    RoleBinding,
    is_allowed,
    parse_role,
    permissions_of,
)
from conda_store_shared.errors import ConfigurationError, InvalidInput, NotAuthorized
from conda_store_shared.web.credentials import OwnPages, credentials_of
from conda_store_shared.web.rights import Rights
from conda_store_shared.web.routing import resource
from conda_store_shared.web.token_reader import KnownToken, TokenReader
from conda_store_shared.web.tokens import Token, TokenSigner, read_bindings

Clock = Callable[[], datetime]
NoteUse = Callable[[KnownToken, datetime], None]

PRINCIPAL = "conda_store.principal"

_OTHER_PAGE = (
    "request not authorized: a page of another site made the browser send it, and a cookie alone counts for pages of "
    "this server; send the token in the Authorization header, or name the page's origin in cors_allow_origins"
)


def utc_now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


class BindingSource(StrEnum):
    """Where role bindings come from; later ones replace those that earlier ones have for the same ARN."""

    UNAUTHENTICATED = "unauthenticated"
    AUTHENTICATED = "authenticated"
    TOKEN = "token"  # noqa: S105  the word, not one
    DATABASE = "database"


@dataclass(frozen=True, kw_only=True)
class Principal:
    """Who a request speaks for.

    ``expiration`` and ``token_id`` are those of the credential; the anonymous have neither, predefined tokens no id.
    ``in_cookie`` tells that a browser added it by itself.
    """

    authenticated: bool
    primary_namespace: str
    sources: Mapping[BindingSource, Sequence[RoleBinding]]
    expiration: datetime | None = None
    token_id: str | None = None
    in_cookie: bool = False
    permissions_of_role: Mapping[Role, frozenset[Permission]] = field(default_factory=lambda: PERMISSIONS_OF_ROLE)

    @cached_property
    def bindings(self) -> tuple[RoleBinding, ...]:
        """What the principal holds, of all sources together."""
        return tuple({binding.arn: binding for source in self.sources.values() for binding in source}.values())

    def permissions_of(self, binding: RoleBinding) -> frozenset[Permission]:
        """What one binding allows wherever it matches."""
        return permissions_of(binding.roles, self.permissions_of_role)

    def permissions_over(self, wanted: RoleBinding) -> frozenset[Permission]:
        """What is allowed wherever ``wanted`` matches, whatever roles it names."""
        covering = (self.permissions_of(binding) for binding in self.bindings if binding.covers(wanted))
        return frozenset[Permission]().union(*covering)

    def may(self, permissions: Iterable[Permission], namespace: str, name: str | None) -> bool:
        """Whether the principal has all ``permissions`` on an environment, or on a namespace (no name)."""
        return is_allowed(self.bindings, permissions, namespace, name, self.permissions_of_role)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationOptions:
    """Options of authentication that every service with routes needs.

    Role bindings are roles by ARN; ``role_mappings`` are permissions by role, None for the usual ones.  Pages of the
    trusted origins may write with nothing but the cookie.
    """

    secret: str = field(repr=False)
    jwt_algorithm: str = "HS256"
    cookie_name: str = "conda-store-auth"
    default_namespace: str = "default"
    unauthenticated_role_bindings: Mapping[str, Iterable[str]] = field(
        default_factory=lambda: {"default/*": ("viewer",)}
    )
    authenticated_role_bindings: Mapping[str, Iterable[str]] = field(
        default_factory=lambda: {"default/*": ("viewer",), "filesystem/*": ("viewer",)}
    )
    predefined_tokens: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    role_mappings: Mapping[str, Iterable[str]] | None = None
    role_mappings_version: int = 1
    trusted_origins: Sequence[str] = ()
    trusted_origin_pattern: str | None = None


class Authenticator:
    """Turns the credential of a request into a principal; ``note_use`` is told of every token that was good."""

    def __init__(
        self, options: AuthorizationOptions, rights: Rights, clock: Clock = utc_now, *, note_use: NoteUse | None = None
    ) -> None:
        self.signer = TokenSigner(options.secret, options.jwt_algorithm)
        self.clock = clock
        self._rights = rights
        self._note_use = note_use
        self._reader = TokenReader(self.signer, options.predefined_tokens)
        self._own_pages = OwnPages(options.trusted_origins, options.trusted_origin_pattern)
        self._cookie_name = options.cookie_name
        self._default_namespace = options.default_namespace
        self._anonymous = _configured("unauthenticated", options.unauthenticated_role_bindings)
        self._authenticated = _configured("authenticated", options.authenticated_role_bindings)
        self._permissions_of_role = _permissions_of_role(options.role_mappings)

    async def identify(self, connection: HTTPConnection) -> Principal:
        """Return the principal of a request: of the first credential that is valid, else the anonymous one.

        Raises DatabaseUnavailable, and NotAuthorized when the only valid credential is a cookie on a write that a page
        of somebody else made the browser send.
        """
        of_another_page = False
        for credential in credentials_of(connection, self._cookie_name):
            known = await self._valid(credential.text)
            if known is None:
                continue
            if credential.in_cookie and not self._own_pages.sent(connection):
                of_another_page = True
                continue
            if self._note_use:
                self._note_use(known, self.clock())
            return await self._principal(known, in_cookie=credential.in_cookie)
        if of_another_page:
            raise NotAuthorized(_OTHER_PAGE)
        return self.anonymous

    @property
    def anonymous(self) -> Principal:
        """Whoever shows no valid credential."""
        return Principal(
            authenticated=False,
            primary_namespace=self._default_namespace,
            sources={BindingSource.UNAUTHENTICATED: self._anonymous},
            permissions_of_role=self._permissions_of_role,
        )

    async def holder_of(self, text: str) -> Principal | None:
        """Return who a token speaks for that is named in a request; None when it is worth nothing.

        Raises DatabaseUnavailable.
        """
        known = await self._valid(text)
        return None if known is None else await self._principal(known)

    async def principal_of_token(self, token: Token) -> Principal:
        """Return who a token speaks for, whether or not it was ever shown; raises DatabaseUnavailable."""
        return await self._principal(KnownToken(token=token, identifier=token.token_id))

    async def worthless(self, principals: Iterable[Principal]) -> Sequence[Principal]:
        """Return those whose credential, that they were identified by before, has expired or was revoked.

        Raises DatabaseUnavailable.
        """
        moment = self.clock()
        shown = [principal for principal in principals if principal.expiration is not None]
        revoked = await self._rights.revoked_among({each.token_id for each in shown if each.token_id is not None})
        return [each for each in shown if each.token_id in revoked or (each.expiration or moment) <= moment]

    async def renew(self, principal: Principal) -> Principal | None:
        """Return somebody who was identified before with what the database grants them now.

        None when their credential counts no more.  Raises DatabaseUnavailable.
        """
        if await self.worthless([principal]):
            return None
        if not principal.authenticated:
            return principal
        granted = await self._rights.bindings_of(principal.primary_namespace)
        return replace(principal, sources={**principal.sources, BindingSource.DATABASE: granted})

    async def is_revoked(self, identifier: str | None) -> bool:
        """Whether a recorded token was revoked; raises DatabaseUnavailable."""
        return identifier is not None and await self._rights.is_revoked(identifier)

    async def _valid(self, text: str) -> KnownToken | None:
        known = self._reader.read(text, self.clock())
        return None if known is None or await self.is_revoked(known.identifier) else known

    async def _principal(self, known: KnownToken, *, in_cookie: bool = False) -> Principal:
        token = known.token
        return Principal(
            authenticated=True,
            primary_namespace=token.primary_namespace,
            sources={
                BindingSource.AUTHENTICATED: self._authenticated,
                BindingSource.TOKEN: token.bindings,
                BindingSource.DATABASE: await self._rights.bindings_of(token.primary_namespace),
            },
            expiration=token.expiration,
            token_id=known.identifier,
            in_cookie=in_cookie,
            permissions_of_role=self._permissions_of_role,
        )


async def principal_of(request: Request) -> Principal:
    """Return who sends a request to a route that was provided with an Authenticator; asked once a request."""
    known: Principal | None = request.scope.get(PRINCIPAL)
    if known is None:
        known = await resource(request, Authenticator).identify(request)
        request.scope[PRINCIPAL] = known
    return known


def authorize(principal: Principal, permissions: Iterable[Permission], namespace: str, name: str | None) -> None:
    """Raise NotAuthorized unless ``principal`` has all ``permissions`` on an environment, or a namespace (no name)."""
    if not principal.may(permissions, namespace, name):
        raise NotAuthorized("request not authorized")


def _configured(kind: str, roles_of: Mapping[str, Iterable[str]]) -> tuple[RoleBinding, ...]:
    try:
        return read_bindings({arn: list(roles) for arn, roles in roles_of.items()})
    except InvalidInput as error:
        raise ConfigurationError(f"RBACAuthorizationBackend.{kind}_role_bindings: {error.message}") from error


def _permissions_of_role(role_mappings: Mapping[str, Iterable[str]] | None) -> Mapping[Role, frozenset[Permission]]:
    if role_mappings is None:
        return PERMISSIONS_OF_ROLE
    try:
        # "editor" and "developer" are one role; where both are given, the preferred spelling wins.
        ordered = sorted(role_mappings, key=lambda name: name == "editor")
        return {parse_role(name): frozenset(map(Permission, role_mappings[name])) for name in ordered}
    except (InvalidInput, ValueError) as error:
        raise ConfigurationError(f"RBACAuthorizationBackend.role_mappings: {error}") from error
