"""Who sends a request, and what they may do (contract §3)."""

import base64
import binascii
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
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
from conda_store_shared.web.routing import resource
from conda_store_shared.web.tokens import Token, TokenSigner, read_binding, read_bindings, read_claims

DatabaseBindings = Callable[[str], Awaitable[Mapping[str, Sequence[str]]]]
Clock = Callable[[], datetime]

TOKEN_LIFETIME = timedelta(days=1)
PRINCIPAL = "conda_store.principal"

_log = structlog.get_logger()


def utc_now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who a request speaks for.  ``expiration`` is that of the credential, None for the anonymous."""

    authenticated: bool
    primary_namespace: str
    bindings: tuple[RoleBinding, ...]
    expiration: datetime | None = None
    permissions_of_role: Mapping[Role, frozenset[Permission]] = field(default_factory=lambda: PERMISSIONS_OF_ROLE)

    def permissions_of(self, binding: RoleBinding) -> frozenset[Permission]:
        """What one binding allows wherever it matches."""
        return permissions_of(binding.roles, self.permissions_of_role)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationOptions:
    """Options of authentication that every service with routes needs.

    Role bindings are roles by ARN; ``role_mappings`` are permissions by role, None for the usual ones.
    """

    secret: str
    jwt_algorithm: str = "HS256"
    cookie_name: str = "conda-store-auth"
    default_namespace: str = "default"
    unauthenticated_role_bindings: Mapping[str, Iterable[str]] = field(
        default_factory=lambda: {"default/*": ("viewer",)}
    )
    authenticated_role_bindings: Mapping[str, Iterable[str]] = field(
        default_factory=lambda: {"default/*": ("viewer",), "filesystem/*": ("viewer",)}
    )
    predefined_tokens: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    role_mappings: Mapping[str, Iterable[str]] | None = None


class Authenticator:
    """Turns the credential of a request into a principal."""

    def __init__(
        self, options: AuthorizationOptions, database_bindings: DatabaseBindings, clock: Clock = utc_now
    ) -> None:
        self.signer = TokenSigner(options.secret, options.jwt_algorithm)
        self.clock = clock
        self._database_bindings = database_bindings
        self._cookie_name = options.cookie_name
        self._default_namespace = options.default_namespace
        self._anonymous = _configured("unauthenticated", options.unauthenticated_role_bindings)
        self._authenticated = _configured("authenticated", options.authenticated_role_bindings)
        self._permissions_of_role = _permissions_of_role(options.role_mappings)
        self._predefined = {_digest(text): dict(claims) for text, claims in options.predefined_tokens.items()}
        for claims in self._predefined.values():
            self._read_predefined(claims)

    async def identify(self, connection: HTTPConnection) -> Principal:
        """Return the principal of a request: of the first credential that is valid, else the anonymous one.

        Raises DatabaseUnavailable.
        """
        for text in credentials_of(connection, self._cookie_name):
            token = self.read(text)
            if token is not None:
                return await self.principal_of_token(token)
        return self.anonymous

    @property
    def anonymous(self) -> Principal:
        """Whoever shows no valid credential."""
        return Principal(
            authenticated=False,
            primary_namespace=self._default_namespace,
            bindings=tuple(self._anonymous.values()),
            permissions_of_role=self._permissions_of_role,
        )

    def read(self, text: str) -> Token | None:
        """Return what a token says, predefined ones first; None when it is worth nothing."""
        claims = self._predefined.get(_digest(text)) if self._predefined else None
        if claims is None:
            return self.signer.verify(text, self.clock())
        token = self._read_predefined(claims)
        return token if token.expiration > self.clock() else None

    async def principal_of_token(self, token: Token) -> Principal:
        """Return who a token speaks for: default bindings, then the token's, then those of the database.

        Later ones replace earlier ones of the same ARN.  Raises DatabaseUnavailable.
        """
        merged = {**self._authenticated, **{binding.arn: binding for binding in token.bindings}}
        for arn, roles in (await self._database_bindings(token.primary_namespace)).items():
            try:
                merged[arn] = read_binding(arn, list(roles))
            except InvalidInput as error:
                _log.warning("role_binding_ignored", reason=error.message)
        return Principal(
            authenticated=True,
            primary_namespace=token.primary_namespace,
            bindings=tuple(merged.values()),
            expiration=token.expiration,
            permissions_of_role=self._permissions_of_role,
        )

    def _read_predefined(self, claims: Mapping[str, Any]) -> Token:
        try:
            return read_claims({"exp": self.clock() + TOKEN_LIFETIME, **claims})
        except InvalidInput as error:
            raise ConfigurationError(f"AuthenticationBackend.predefined_tokens: {error.message}") from error


async def principal_of(request: Request) -> Principal:
    """Return who sends a request to a route that was provided with an Authenticator; asked once a request."""
    known: Principal | None = request.scope.get(PRINCIPAL)
    if known is None:
        known = await resource(request, Authenticator).identify(request)
        request.scope[PRINCIPAL] = known
    return known


def authorize(principal: Principal, permissions: Iterable[Permission], namespace: str, name: str | None) -> None:
    """Raise NotAuthorized unless ``principal`` has all ``permissions`` on an environment, or a namespace (no name)."""
    if not is_allowed(principal.bindings, permissions, namespace, name, principal.permissions_of_role):
        raise NotAuthorized("request not authorized")


def credentials_of(connection: HTTPConnection, cookie_name: str) -> Iterator[str]:
    """Yield the tokens a request shows: cookie, then the Authorization header (Basic's password, or Bearer)."""
    cookie = connection.cookies.get(cookie_name)
    if cookie:
        yield cookie
    scheme, _, value = connection.headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        yield value.strip()
    if scheme.lower() == "basic":
        try:
            _user, _, token = base64.b64decode(value.strip(), validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return
        if token:
            yield token


def _configured(kind: str, roles_of: Mapping[str, Iterable[str]]) -> dict[str, RoleBinding]:
    try:
        bindings = read_bindings({arn: list(roles) for arn, roles in roles_of.items()})
    except InvalidInput as error:
        raise ConfigurationError(f"RBACAuthorizationBackend.{kind}_role_bindings: {error.message}") from error
    return {binding.arn: binding for binding in bindings}


def _permissions_of_role(role_mappings: Mapping[str, Iterable[str]] | None) -> Mapping[Role, frozenset[Permission]]:
    if role_mappings is None:
        return PERMISSIONS_OF_ROLE
    try:
        # "editor" and "developer" are one role; where both are given, the preferred spelling wins.
        ordered = sorted(role_mappings, key=lambda name: name == "editor")
        return {parse_role(name): frozenset(map(Permission, role_mappings[name])) for name in ordered}
    except (InvalidInput, ValueError) as error:
        raise ConfigurationError(f"RBACAuthorizationBackend.role_mappings: {error}") from error


def _digest(text: str) -> str:
    # Looked up by digest, so that the time it takes tells nothing about the tokens there are.
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
