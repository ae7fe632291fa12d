"""What an OpenID Connect provider publishes about itself: its addresses, and the keys it signs with."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from authlib.integrations.httpx_client import AsyncOAuth2Client
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet
from joserfc.jws import JWSRegistry

from conda_store_auth.adapters.provider_client import ProviderClient
from conda_store_shared.errors import LoginRefused

# Signatures that the holder of the client's secret, or anybody, could make are not among them.
ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519",
)  # fmt: skip
KEPT = timedelta(hours=1)

_UNVERIFIED = (JoseError, ValueError, TypeError, KeyError)

Clock = Callable[[], datetime]
Check = Callable[[Mapping[str, Any]], None]


class Published:
    """Documents of one issuer, kept for an hour; keys are asked for again when none of them fits."""

    def __init__(self, issuer: str, http: ProviderClient, clock: Clock) -> None:
        self._issuer = issuer
        self._http = http
        self._clock = clock
        self._documents: dict[str, tuple[datetime, Mapping[str, Any]]] = {}

    async def metadata(self, session: AsyncOAuth2Client) -> Mapping[str, Any]:
        """Return where the provider answers; raises LoginRefused for that of another issuer."""
        url = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        return await self._read(session, url, self._check_issuer)

    async def claims(self, session: AsyncOAuth2Client, id_token: object) -> Mapping[str, Any]:
        """Return the claims of an id token that a key of the provider signed; raises LoginRefused."""
        if not isinstance(id_token, str):
            raise LoginRefused(f"{self._http.name} gave no id token")
        url = str((await self.metadata(session)).get("jwks_uri"))
        try:
            return _verified(id_token, await self._read(session, url))
        except _UNVERIFIED:
            # It may have changed its keys since.
            self._documents.pop(url, None)
            keys = await self._read(session, url)
        try:
            return _verified(id_token, keys)
        except _UNVERIFIED as error:
            raise LoginRefused(f"the id token is not signed by {self._http.name}") from error

    async def _read(self, session: AsyncOAuth2Client, url: str, check: Check = lambda _told: None) -> Mapping[str, Any]:
        known = self._documents.get(url)
        if known is not None and self._clock() - known[0] < KEPT:
            return known[1]
        told = await self._http.read(session, url)
        check(told)
        self._documents[url] = (self._clock(), told)
        return told

    def _check_issuer(self, told: Mapping[str, Any]) -> None:
        if told.get("issuer") != self._issuer:
            name = str(told.get("issuer"))[:200]
            raise LoginRefused(f"the provider calls itself {name!r}, not {self._issuer!r} as configured")


def _verified(text: str, keys: Mapping[str, Any]) -> Mapping[str, Any]:
    registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    return jwt.decode(text, KeySet(_usable(keys)), algorithms=ALGORITHMS, registry=registry).claims


def _usable(keys: Mapping[str, Any]) -> list[Key]:
    """The keys that can be read; a provider may publish kinds that are newer than we are."""
    found = []
    listed = keys.get("keys")
    for key in listed if isinstance(listed, list) else []:
        try:
            found.append(JWKRegistry.import_key(key))
        except (JoseError, ValueError, TypeError, KeyError):
            continue
    return found
