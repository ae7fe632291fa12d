"""OpenID Connect providers, known by their issuer alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from authlib.integrations.httpx_client import AsyncOAuth2Client

from conda_store_auth.adapters.oauth_provider import (
    OAuthClient,
    authorization_parameters,
    exchange_parameters,
    identity_of,
    session_options,
)
from conda_store_auth.adapters.oidc_keys import Clock, Published
from conda_store_auth.adapters.provider_client import ProviderClient
from conda_store_auth.domain.id_token import Expected, check_id_token
from conda_store_auth.ports import Callback, Identity, LoginAttempt
from conda_store_shared.errors import LoginRefused

_SECRET_METHODS = ("client_secret_basic", "client_secret_post")


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """An issuer, and which of its claims count; an address that is not empty goes before the one it publishes."""

    issuer: str
    username_claim: str = "preferred_username"
    groups_claim: str = "groups"
    token_endpoint_auth_method: str = ""
    authorize_url: str = ""
    access_token_url: str = ""
    user_data_url: str = ""


class OidcProvider:
    """Sends people to the issuer's page, and believes the id token that it gives for them."""

    def __init__(self, client: OAuthClient, issuer: Issuer, clock: Clock) -> None:
        self._client = client
        self._issuer = issuer
        self._clock = clock
        self._http = ProviderClient(client.name, timeout=client.timeout, tls_verify=client.tls_verify)
        self._published = Published(issuer.issuer, self._http, clock)

    @property
    def name(self) -> str:
        """What people call the provider."""
        return self._client.name

    async def authorization_url(self, attempt: LoginAttempt) -> str:
        """Return the issuer's page; raises ProviderUnavailable."""
        async with self._http.oauth(**session_options(self._client)) as session:
            page = await self._address(session, self._issuer.authorize_url, "authorization_endpoint")
            parameters = authorization_parameters(self._client, attempt)
            url, _state = session.create_authorization_url(page, nonce=attempt.nonce, **parameters)
        return str(url)

    async def identify(self, callback: Callback) -> Identity:
        """Return who logged in; raises NotAuthenticated, NotAuthorized, ProviderUnavailable."""
        if callback.issuer not in (None, self._issuer.issuer):
            raise LoginRefused("the answer comes from another provider")
        async with self._http.oauth(**session_options(self._client)) as session:
            session.token_endpoint_auth_method = await self._method(session)
            token_url = await self._address(session, self._issuer.access_token_url, "token_endpoint")
            given = await self._http.exchange(session, token_url, **exchange_parameters(self._client, callback))
            claims = await self._published.claims(session, given.get("id_token"))
            check_id_token(claims, self._expected(callback.attempt), self._clock())
            claims = {**await self._user_data(session, claims, given["access_token"]), **claims}
        return self._identity(claims)

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        name, groups = self._issuer.username_claim, self._issuer.groups_claim
        if name == "email" and claims.get("email_verified") is False:
            raise LoginRefused(f"{self.name} has not verified the e-mail address")
        return identity_of(claims, name, groups, self._client)

    def _expected(self, attempt: LoginAttempt) -> Expected:
        return Expected(issuer=self._issuer.issuer, client_id=self._client.client_id, nonce=attempt.nonce)

    async def _user_data(
        self, session: AsyncOAuth2Client, claims: Mapping[str, Any], access_token: str
    ) -> Mapping[str, Any]:
        """Claims that are not in the id token but asked for separately; those of the very same person."""
        wanted = {self._issuer.username_claim, self._issuer.groups_claim} - {""}
        url = self._issuer.user_data_url or (await self._published.metadata(session)).get("userinfo_endpoint")
        if wanted <= claims.keys() or not isinstance(url, str):
            return {}
        told = await self._http.read(session, url, access_token)
        if told.get("sub") != claims["sub"]:
            raise LoginRefused(f"{self.name} told about somebody else")
        return told

    async def _address(self, session: AsyncOAuth2Client, configured: str, name: str) -> str:
        found = configured or (await self._published.metadata(session)).get(name)
        if not isinstance(found, str):
            raise LoginRefused(f"{self.name} does not publish its {name}")
        return found

    async def _method(self, session: AsyncOAuth2Client) -> str:
        if self._issuer.token_endpoint_auth_method:
            return self._issuer.token_endpoint_auth_method
        if not self._client.client_secret:
            return "none"
        offered = (await self._published.metadata(session)).get("token_endpoint_auth_methods_supported")
        known = [method for method in _SECRET_METHODS if isinstance(offered, list) and method in offered]
        return known[0] if known else _SECRET_METHODS[0]
