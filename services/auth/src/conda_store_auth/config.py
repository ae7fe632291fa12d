"""The options of auth, as plain values."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from traitlets.config import Config

from conda_store_auth.adapters.oauth_provider import Endpoints, OAuthClient
from conda_store_auth.adapters.oidc_provider import Issuer
from conda_store_auth.adapters.own_provider import Authenticate
from conda_store_auth.domain.login_rules import LoginRules
from conda_store_auth.routes.pages.template_set import PageOptions
from conda_store_shared.config.authentication import Authentication, DummyAuthentication
from conda_store_shared.config.authorization import authorization_values
from conda_store_shared.config.conda_store import CondaStore
from conda_store_shared.config.oauth import GenericOAuthAuthentication, OIDCAuthentication
from conda_store_shared.config.server import CondaStoreServer
from conda_store_shared.errors import ConfigurationError, InvalidInput
from conda_store_shared.web.authentication import AuthorizationOptions

# What classes derived from those of conda-store could do by themselves.
_OVERRIDABLE = ("authenticate", "get_login_html", "routes")
CallbackUrl = str | Callable[[Any], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordOptions:
    """One password for everybody; None lets everybody in as the same person."""

    # The documented default of a provider made for testing.
    password: str | None = field(default="password", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnOptions:
    """A function of the administrator's that tells whose request it is."""

    authenticate: Authenticate


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthOptions:
    """A provider with pages of its own, found by its endpoints or by its issuer; ``callback_url`` may be empty."""

    client: OAuthClient
    place: Endpoints | Issuer
    callback_url: CallbackUrl = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthOptions:
    """Options of auth.  ``address`` is where the process listens, empty for every interface."""

    authorization: AuthorizationOptions
    provider: PasswordOptions | OAuthOptions | OwnOptions = field(default_factory=PasswordOptions)
    cookie_domain: str | None = None
    pages: PageOptions = field(default_factory=PageOptions)
    address: str = "127.0.0.1"
    max_page_size: int = 100


def read_options(config: Config) -> AuthOptions:
    """Return the options that ``config`` sets; raises ConfigurationError for a provider nobody could log in at."""
    server = CondaStoreServer(config=config)
    authentication = server.authentication_class
    section = authentication(config=config)
    return AuthOptions(
        authorization=AuthorizationOptions(**authorization_values(config)),
        provider=_provider(section, config),
        cookie_domain=section.cookie_domain,
        pages=PageOptions(
            login_html=section.login_html, templates=server.templates, variables=dict(server.template_vars)
        ),
        address=server.address,
        max_page_size=server.max_page_size,
    )


def _provider(section: Authentication, config: Config) -> PasswordOptions | OAuthOptions | OwnOptions:
    own = _own_methods(section)
    if own:
        return OwnOptions(authenticate=own["authenticate"])
    if isinstance(section, DummyAuthentication):
        return PasswordOptions(password=section.password)
    if isinstance(section, OIDCAuthentication):
        return _oauth(section, config, _issuer(section))
    if isinstance(section, GenericOAuthAuthentication):
        return _oauth(section, config, _endpoints(section))
    if type(section) is Authentication:
        return PasswordOptions(password=None)
    raise ConfigurationError(
        f"CondaStoreServer.authentication_class={type(section).__name__} is not supported; use DummyAuthentication, "
        "GenericOAuthAuthentication, OIDCAuthentication, GithubOAuthAuthentication or JupyterHubOAuthAuthentication"
    )


def _own_methods(section: Authentication) -> dict[str, Any]:
    """What a class of the administrator's does otherwise than ours; raises ConfigurationError for what cannot be."""
    own = {name: getattr(section, name) for name in _OVERRIDABLE if hasattr(section, name)}
    name = type(section).__name__
    if "authenticate" in own and isinstance(section, GenericOAuthAuthentication):
        raise ConfigurationError(
            f"{name}.authenticate would never be called: a login at a provider is configured, not programmed "
            "(OIDCAuthentication, group_role_bindings, allowed_groups); or derive the class from Authentication"
        )
    if refused := [method for method in own if method != "authenticate"]:
        raise ConfigurationError(
            f"{name}.{refused[0]} would never be called: login_html is the page, CondaStoreServer.additional_routes "
            "are further routes"
        )
    return own


def _oauth(section: GenericOAuthAuthentication, config: Config, place: Endpoints | Issuer) -> OAuthOptions:
    groups = place.groups_claim if isinstance(place, Issuer) else place.groups_key
    if not groups and (section.group_role_bindings or section.allowed_groups):
        name = type(section).__name__
        raise ConfigurationError(f"{name} has options about groups, but not where the provider tells them: groups_key")
    client = OAuthClient(
        name=section.provider_name or _host(place),
        client_id=_required(section, "client_id"),
        client_secret=section.client_secret,
        scope=section.access_scope,
        pkce=section.pkce,
        tls_verify=section.tls_verify,
        timeout=section.timeout,
        rules=_rules(section, config),
    )
    return OAuthOptions(client=client, place=place, callback_url=section.oauth_callback_url)


def _endpoints(section: GenericOAuthAuthentication) -> Endpoints:
    return Endpoints(
        authorize_url=_address(section, "authorize_url"),
        access_token_url=_address(section, "access_token_url"),
        user_data_url=_address(section, "user_data_url"),
        user_data_key=_required(section, "user_data_key"),
        groups_key=section.groups_key,
    )


def _issuer(section: OIDCAuthentication) -> Issuer:
    return Issuer(
        issuer=_address(section, "issuer"),
        username_claim=_required(section, "username_claim"),
        groups_claim=section.groups_claim,
        token_endpoint_auth_method=section.token_endpoint_auth_method,
        authorize_url=section.authorize_url and _address(section, "authorize_url"),
        access_token_url=section.access_token_url and _address(section, "access_token_url"),
        user_data_url=section.user_data_url and _address(section, "user_data_url"),
    )


def _rules(section: GenericOAuthAuthentication, config: Config) -> LoginRules:
    store = CondaStore(config=config)
    rules = LoginRules(
        everybody=section.login_role_bindings,
        by_user=section.user_role_bindings,
        by_group=section.group_role_bindings,
        allowed_users=frozenset(section.allowed_users),
        allowed_groups=frozenset(section.allowed_groups),
        reserved=frozenset({store.default_namespace, store.filesystem_namespace}),
    )
    try:
        rules.check()
    except (InvalidInput, AttributeError, TypeError) as error:
        raise ConfigurationError(f"{type(section).__name__}: role bindings of logins: {error}") from error
    return rules


def _required(section: Authentication, name: str) -> str:
    value: str = getattr(section, name)
    if not value:
        raise ConfigurationError(f"{type(section).__name__}.{name} is not set; nobody could log in")
    return value


def _address(section: Authentication, name: str) -> str:
    address = _required(section, name)
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ConfigurationError(f"{type(section).__name__}.{name}={address!r} is no http(s) address")
    return address


def _host(place: Endpoints | Issuer) -> str:
    return urlsplit(place.issuer if isinstance(place, Issuer) else place.authorize_url).netloc
