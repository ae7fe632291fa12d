"""OAuth 2.0 providers that tell who somebody is by a request of their own: GitHub, JupyterHub, and those alike."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from conda_store_auth.adapters.provider_client import ProviderClient
from conda_store_auth.domain.login_rules import LoginRules
from conda_store_auth.ports import Callback, Identity, LoginAttempt
from conda_store_shared.errors import LoginRefused

# Client id and secret go with the form.
_CREDENTIALS = "client_secret_post"


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthClient:
    """How we are known to a provider, and how we speak to it: with PKCE or without, ``timeout`` in seconds."""

    name: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str
    pkce: bool = True
    tls_verify: bool = True
    timeout: float = 10.0
    rules: LoginRules = field(default_factory=LoginRules)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where a provider is asked; ``groups_key`` may be empty."""

    authorize_url: str
    access_token_url: str
    user_data_url: str
    user_data_key: str
    groups_key: str = ""


class OAuthProvider:
    """Sends people to the provider's page, and asks it afterwards who they are."""

    def __init__(self, client: OAuthClient, endpoints: Endpoints) -> None:
        self._client = client
        self._endpoints = endpoints
        self._http = ProviderClient(client.name, timeout=client.timeout, tls_verify=client.tls_verify)

    @property
    def name(self) -> str:
        """What people call the provider."""
        return self._client.name

    async def authorization_url(self, attempt: LoginAttempt) -> str:
        """Return the provider's page."""
        async with self._http.oauth(**session_options(self._client)) as session:
            url, _state = session.create_authorization_url(
                self._endpoints.authorize_url, **authorization_parameters(self._client, attempt)
            )
        return str(url)

    async def identify(self, callback: Callback) -> Identity:
        """Return who logged in; raises NotAuthenticated, NotAuthorized, ProviderUnavailable."""
        async with self._http.oauth(**session_options(self._client)) as session:
            session.token_endpoint_auth_method = _CREDENTIALS
            parameters = exchange_parameters(self._client, callback)
            given = await self._http.exchange(session, self._endpoints.access_token_url, **parameters)
            told = await self._http.read(session, self._endpoints.user_data_url, given["access_token"])
        return identity_of(told, self._endpoints.user_data_key, self._endpoints.groups_key, self._client)


def session_options(client: OAuthClient) -> dict[str, Any]:
    """Arguments of Authlib's client."""
    method = {"code_challenge_method": "S256"} if client.pkce else {}
    return {"client_id": client.client_id, "client_secret": client.client_secret, **method}


def authorization_parameters(client: OAuthClient, attempt: LoginAttempt) -> dict[str, Any]:
    """What the provider is told when the browser is sent there."""
    verifier = {"code_verifier": attempt.code_verifier} if client.pkce else {}
    scope = client.scope or None
    return {"redirect_uri": attempt.callback_url, "scope": scope, "state": attempt.state, **verifier}


def exchange_parameters(client: OAuthClient, callback: Callback) -> dict[str, str]:
    """What the provider is told when it is asked for a token."""
    verifier = {"code_verifier": callback.attempt.code_verifier} if client.pkce else {}
    return {"code": callback.code, "redirect_uri": callback.attempt.callback_url, **verifier}


def identity_of(told: Mapping[str, Any], name_key: str, groups_key: str, client: OAuthClient) -> Identity:
    """Return the identity that a provider's answer describes; raises LoginRefused, NotAuthorized."""
    username = told.get(name_key)
    if not isinstance(username, str) or not username:
        raise LoginRefused(f"{client.name} told no user name under {name_key!r}")
    groups = told.get(groups_key) if groups_key else None
    names = [group for group in groups if isinstance(group, str)] if isinstance(groups, list) else []
    return Identity(username=username, bindings=client.rules.bindings(username, names))
