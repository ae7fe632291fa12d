"""Signed tokens: JSON Web Tokens that say whose they are, what they allow, and until when."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from conda_store_shared.domain.permission import RoleBinding
from conda_store_shared.errors import ConfigurationError, InvalidInput

ALGORITHMS = ("HS256", "HS384", "HS512")
MINIMUM_SECRET_BYTES = 32
# Larger ones fit into no header; reading them would only cost time.
MAXIMUM_TOKEN_LENGTH = 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a token says.  ``token_id`` (claim ``jti``) is missing in tokens of older installations."""

    expiration: datetime
    primary_namespace: str
    bindings: tuple[RoleBinding, ...] = ()
    token_id: str | None = None


class TokenSigner:
    """Signs and verifies tokens with one shared secret and one algorithm."""

    def __init__(self, secret: str, algorithm: str = "HS256") -> None:
        if len(secret.encode()) < MINIMUM_SECRET_BYTES:
            raise ConfigurationError(
                f"AuthenticationBackend.secret is shorter than {MINIMUM_SECRET_BYTES} bytes; "
                "set it to a long random text, the same for every service"
            )
        if algorithm not in ALGORITHMS:
            raise ConfigurationError(
                f"AuthenticationBackend.jwt_algorithm={algorithm!r} is not supported; "
                f"use one of {', '.join(ALGORITHMS)}"
            )
        self._key = OctKey.import_key(secret.encode())
        self._algorithm = algorithm

    def sign(self, token: Token) -> str:
        """Return the token as text."""
        claims: dict[str, Any] = {
            "exp": int(token.expiration.timestamp()),
            "primary_namespace": token.primary_namespace,
            "role_bindings": {binding.arn: sorted(binding.roles) for binding in token.bindings},
        }
        if token.token_id is not None:
            claims["jti"] = token.token_id
        return jwt.encode({"alg": self._algorithm, "typ": "JWT"}, claims, self._key, algorithms=[self._algorithm])

    def verify(self, text: str, now: datetime) -> Token | None:
        """Return what a token says, None when it is not ours, has expired at ``now``, or says nothing sensible."""
        if not text.isascii() or len(text) > MAXIMUM_TOKEN_LENGTH:
            return None
        try:
            claims = jwt.decode(text, self._key, algorithms=[self._algorithm]).claims
            token = read_claims(claims)
        except (JoseError, ValueError, TypeError, RecursionError, InvalidInput):
            return None
        return token if token.expiration > now else None


def read_claims(claims: Mapping[str, Any]) -> Token:
    """Return the token that ``claims`` describe; raises InvalidInput."""
    namespace = claims.get("primary_namespace", "default")
    roles_of = claims.get("role_bindings", {})
    token_id = claims.get("jti")
    if not isinstance(namespace, str) or not isinstance(token_id, str | None):
        raise InvalidInput("primary_namespace and jti of a token are texts")
    return Token(
        expiration=read_expiration(claims.get("exp")),
        primary_namespace=namespace,
        bindings=read_bindings(roles_of),
        token_id=token_id,
    )


def read_expiration(value: object) -> datetime:
    """Return seconds since 1970, a datetime or its ISO text (UTC unless it says otherwise) as datetime.

    Raises InvalidInput.
    """
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        if isinstance(value, datetime):
            return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise InvalidInput("exp of a token is no time")


def read_bindings(value: object) -> tuple[RoleBinding, ...]:
    """Return ``{arn: [role, …]}`` as role bindings; raises InvalidInput."""
    if not isinstance(value, Mapping):
        raise InvalidInput("role_bindings is no object of lists of roles by ARN")
    return tuple(read_binding(arn, roles) for arn, roles in value.items())


def read_binding(arn: object, roles: object) -> RoleBinding:
    """Return one role binding; raises InvalidInput."""
    if not isinstance(arn, str) or not isinstance(roles, list | tuple | set | frozenset):
        raise InvalidInput(f"invalid entity={arn}; expected a list of roles")
    if not all(isinstance(role, str) for role in roles):
        raise InvalidInput(f"invalid roles of entity={arn}; expected texts")
    return RoleBinding.parse(arn, roles)
