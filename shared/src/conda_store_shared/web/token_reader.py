"""Tokens as texts become what they say, each of them verified once."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from conda_store_shared.errors import ConfigurationError, InvalidInput
from conda_store_shared.web.tokens import MAXIMUM_TOKEN_LENGTH, TOKEN_LIFETIME, Token, TokenSigner, read_claims

# So many are kept; none that is long, so that nobody fills the memory with tokens of thousands of bindings.
_KEPT = 2048
_LONGEST_KEPT = 2048
# What may stand in the column of the database; any other ``jti`` comes from somewhere else.
IDENTIFIER = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownToken:
    """A token that is ours.

    It is recorded and revoked by its ``identifier``: its ``jti``, or the SHA-256 of its text when it has none.
    Predefined ones have no identifier, since they are recorded and revoked in the configuration.
    """

    token: Token
    identifier: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Predefined:
    """A token of the configuration; one that ``slides`` has a whole lifetime before it each time it is shown."""

    token: Token
    slides: bool

    def at(self, now: datetime) -> KnownToken | None:
        token = replace(self.token, expiration=now + TOKEN_LIFETIME) if self.slides else self.token
        return KnownToken(token=token, identifier=None) if token.counts_at(now) else None


class TokenReader:
    """Reads predefined and signed tokens; ``predefined`` are claims by text."""

    def __init__(self, signer: TokenSigner, predefined: Mapping[str, Mapping[str, Any]]) -> None:
        self._signer = signer
        self._predefined = {_digest(text): _read_predefined(claims) for text, claims in predefined.items()}
        self._kept: dict[bytes, KnownToken] = {}

    def read(self, text: str, now: datetime) -> KnownToken | None:
        """Return what a token says, predefined ones first; None when it is worth nothing at ``now``."""
        if len(text) > MAXIMUM_TOKEN_LENGTH:
            return None
        # Looked up by digest, so that the time it takes tells nothing about the tokens there are.
        digest = _digest(text)
        if digest in self._predefined:
            return self._predefined[digest].at(now)
        known = self._kept.get(digest)
        if known is None:
            return self._verify(text, digest, now)
        return known if known.token.counts_at(now) else None

    def _verify(self, text: str, digest: bytes, now: datetime) -> KnownToken | None:
        token = self._signer.verify(text, now)
        if token is None:
            return None
        identifier = token.token_id if IDENTIFIER.fullmatch(token.token_id or "") else digest.hex()
        known = KnownToken(token=token, identifier=identifier)
        if len(text) <= _LONGEST_KEPT:
            if len(self._kept) >= _KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[digest] = known
        return known


def _read_predefined(claims: Mapping[str, Any]) -> _Predefined:
    slides = claims.get("exp") is None
    try:
        return _Predefined(token=read_claims({**claims, "exp": 0} if slides else claims), slides=slides)
    except InvalidInput as error:
        raise ConfigurationError(f"AuthenticationBackend.predefined_tokens: {error.message}") from error


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()
