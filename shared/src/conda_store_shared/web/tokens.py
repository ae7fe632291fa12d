"""Signed tokens: JSON Web Tokens that say whose they are, what they allow, and until when."""

import json
import math
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from conda_store_shared.domain.permission import RoleBinding
from conda_store_shared.errors import ConfigurationError, InvalidInput

TOKEN_LIFETIME = timedelta(days=1)
ALGORITHMS = ("HS256", "HS384", "HS512")
MINIMUM_SECRET_BYTES = 32
# Larger ones fit into no header; reading them would only cost time.
MAXIMUM_TOKEN_LENGTH = 16 * 1024

# Three parts, none of them empty, in the letters of URL-safe base64: decoders would ignore any other letter.
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.(?P<signature>[A-Za-z0-9_-]+)")
# Ours name neither: who shares the secret for something else may not use that something as our token.
_FOREIGN_CLAIMS = ("iss", "aud")


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a token says.

    ``token_id`` (claim ``jti``) is missing in tokens of older installations; none of them has ``not_before``.
    """

    expiration: datetime
    primary_namespace: str
    bindings: tuple[RoleBinding, ...] = ()
    token_id: str | None = None
    not_before: datetime | None = None

    def counts_at(self, now: datetime) -> bool:
        """Whether the token is worth something at ``now``."""
        return now < self.expiration and (self.not_before is None or self.not_before <= now)


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
        """Return what a token says, None when it is not ours, does not count at ``now``, or says nothing sensible."""
        try:
            token = _read_signed(self._claims(text))
        except (ValueError, TypeError, RecursionError, InvalidInput):
            return None
        return token if token.counts_at(now) else None

    def sign_for(self, audience: str, claims: Mapping[str, Any]) -> str:
        """Return ``claims`` as a token that is none of ours but for ``audience``."""
        signed = {**claims, "aud": audience}
        return jwt.encode({"alg": self._algorithm, "typ": "JWT"}, signed, self._key, algorithms=[self._algorithm])

    def verify_for(self, audience: str, text: str, now: datetime) -> Mapping[str, Any] | None:
        """Return what was signed for ``audience``; None when it was not, or does not count any more."""
        claims = self._claims(text)
        if claims is None or claims.get("aud") != audience or not isinstance(claims.get("exp"), int):
            return None
        return claims if now.timestamp() < claims["exp"] else None

    def _claims(self, text: str) -> dict[str, Any] | None:
        found = _COMPACT.fullmatch(text) if len(text) <= MAXIMUM_TOKEN_LENGTH else None
        if found is None or not _is_canonical(found["signature"]):
            return None
        try:
            signed = jws.deserialize_compact(text, self._key, algorithms=[self._algorithm])
            claims = json.loads(signed.payload, object_pairs_hook=_object, parse_constant=_constant)
        except (JoseError, ValueError, TypeError, RecursionError):
            return None
        return claims if isinstance(claims, dict) else None


def _is_canonical(signature: str) -> bool:
    # The last letter has spare bits; a token that could be spelled in two ways would have two digests.
    padding = "=" * (-len(signature) % 4)
    return len(signature) % 4 != 1 and urlsafe_b64encode(urlsafe_b64decode(signature + padding)).decode() == (
        signature + padding
    )


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a claim is given twice")
    return found


def _constant(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


def _read_signed(claims: object) -> Token:
    if not isinstance(claims, dict) or any(claim in claims for claim in _FOREIGN_CLAIMS):
        raise InvalidInput("the token was made for something else")
    if not all(isinstance(claims[claim], int | float) for claim in ("exp", "nbf") if claim in claims):
        raise InvalidInput("exp and nbf of a token are numbers")
    return read_claims(claims)


def read_claims(claims: Mapping[str, Any]) -> Token:
    """Return the token that ``claims`` describe; raises InvalidInput."""
    namespace = claims.get("primary_namespace", "default")
    roles_of = claims.get("role_bindings", {})
    token_id = claims.get("jti")
    if not isinstance(namespace, str) or not isinstance(token_id, str | None):
        raise InvalidInput("primary_namespace and jti of a token are texts")
    not_before = claims.get("nbf")
    return Token(
        expiration=read_expiration(claims.get("exp")),
        not_before=None if not_before is None else read_expiration(not_before),
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
