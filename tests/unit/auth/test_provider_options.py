"""What a configuration file says about identity providers."""

from typing import Any

import pytest
from traitlets import TraitError
from traitlets.config import Config

from conda_store_auth.adapters.oauth_provider import Endpoints
from conda_store_auth.adapters.oidc_provider import Issuer
from conda_store_auth.config import OAuthOptions, PasswordOptions, read_options
from conda_store_auth.domain.login_rules import LoginRules
from conda_store_shared.config.authentication import Authentication
from conda_store_shared.config.oauth import (
    GenericOAuthAuthentication,
    GithubOAuthAuthentication,
    JupyterHubOAuthAuthentication,
    OIDCAuthentication,
)
from conda_store_shared.errors import ConfigurationError

GENERIC = {
    "authorize_url": "https://id.example/authorize",
    "access_token_url": "https://id.example/token",
    "user_data_url": "https://id.example/me",
    "user_data_key": "nickname",
    "client_id": "store",
}
PROVIDERS = [
    GenericOAuthAuthentication,
    GithubOAuthAuthentication,
    JupyterHubOAuthAuthentication,
    OIDCAuthentication,
]


def provider_of(kind: type[Authentication], **sections: dict[str, Any]) -> Any:
    """The options of a provider of that class."""
    sections["CondaStoreServer"] = {"authentication_class": kind}
    return read_options(Config(sections)).provider


def test_base_class_lets_everybody_in_as_one_person() -> None:
    assert provider_of(Authentication) == PasswordOptions(password=None)


def test_generic_provider_is_what_its_section_says() -> None:
    options = provider_of(GenericOAuthAuthentication, GenericOAuthAuthentication={**GENERIC, "access_scope": "me"})
    assert options.place == Endpoints(
        authorize_url="https://id.example/authorize",
        access_token_url="https://id.example/token",
        user_data_url="https://id.example/me",
        user_data_key="nickname",
    )
    known = options.client
    assert (known.name, known.client_id, known.client_secret, known.scope) == ("id.example", "store", "", "me")
    assert (known.pkce, known.tls_verify, known.timeout, options.callback_url) == (True, True, 10.0, "")
    assert known.rules == LoginRules(everybody={"{username}/*": ["admin"]})


def test_github_is_found_by_its_two_addresses() -> None:
    section = {"client_id": "store", "github_url": "https://git.example/", "github_api": "https://git.example/api/v3/"}
    options = provider_of(GithubOAuthAuthentication, GithubOAuthAuthentication=section)
    assert options.place == Endpoints(
        authorize_url="https://git.example/login/oauth/authorize",
        access_token_url="https://git.example/login/oauth/access_token",
        user_data_url="https://git.example/api/v3/user",
        user_data_key="login",
    )
    assert (options.client.name, options.client.scope) == ("GitHub", "user:email")


def test_jupyterhub_is_found_by_its_address() -> None:
    section = {"client_id": "service-store", "jupyterhub_url": "https://hub.example/"}
    options = provider_of(JupyterHubOAuthAuthentication, JupyterHubOAuthAuthentication=section)
    assert options.place == Endpoints(
        authorize_url="https://hub.example/hub/api/oauth2/authorize",
        access_token_url="https://hub.example/hub/api/oauth2/token",
        user_data_url="https://hub.example/hub/api/user",
        user_data_key="name",
        groups_key="groups",
    )
    assert (options.client.name, options.client.scope) == ("JupyterHub", "")


def test_issuer_is_found_by_itself() -> None:
    section = {"client_id": "store", "issuer": "https://id.example/realms/a", "username_claim": "email"}
    options = provider_of(OIDCAuthentication, OIDCAuthentication=section)
    assert options.place == Issuer(issuer="https://id.example/realms/a", username_claim="email", groups_claim="groups")
    assert (options.client.name, options.client.scope) == ("id.example", "openid profile email")


@pytest.mark.parametrize("kind", [GithubOAuthAuthentication, JupyterHubOAuthAuthentication, OIDCAuthentication])
def test_section_of_the_generic_provider_reaches_the_others(kind: type[Authentication]) -> None:
    generic = {
        **GENERIC,
        "client_secret": "tulip",
        "oauth_callback_url": "/store/oauth_callback/",
        "tls_verify": False,
        "pkce": False,
        "timeout": 2.5,
        "provider_name": "Our own",
        "allowed_users": ["alice"],
        "login_role_bindings": {"*/*": {"editor"}},
    }
    options = provider_of(kind, GenericOAuthAuthentication=generic, OIDCAuthentication={"issuer": "https://id.example"})
    known = options.client
    assert (known.name, known.client_id, known.client_secret) == ("Our own", "store", "tulip")
    assert (known.tls_verify, known.pkce, known.timeout) == (False, False, 2.5)
    assert (options.callback_url, options.place.authorize_url) == ("/store/oauth_callback/", GENERIC["authorize_url"])
    assert known.rules.allowed_users == {"alice"}
    assert [binding.arn for binding in known.rules.bindings("alice", [])] == ["*/*"]


def test_callback_address_may_be_a_function() -> None:
    section = {**GENERIC, "oauth_callback_url": str}
    options: OAuthOptions = provider_of(GenericOAuthAuthentication, GenericOAuthAuthentication=section)
    assert options.callback_url is str


@pytest.mark.parametrize("missing", sorted(GENERIC))
def test_provider_nobody_could_log_in_at_is_refused_by_the_name_of_the_option(missing: str) -> None:
    section = {name: value for name, value in GENERIC.items() if name != missing}
    with pytest.raises(ConfigurationError, match=rf"GenericOAuthAuthentication\.{missing} is not set"):
        provider_of(GenericOAuthAuthentication, GenericOAuthAuthentication=section)


@pytest.mark.parametrize("address", ["id.example", "ftp://id.example", "https://", "/authorize", "javascript:alert(1)"])
def test_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match="is no http"):
        provider_of(GenericOAuthAuthentication, GenericOAuthAuthentication={**GENERIC, "authorize_url": address})


@pytest.mark.parametrize("kind", [JupyterHubOAuthAuthentication, OIDCAuthentication])
def test_provider_without_an_address_is_refused(kind: type[Authentication]) -> None:
    with pytest.raises(ConfigurationError, match="is not set"):
        provider_of(kind, GenericOAuthAuthentication={"client_id": "store"})


@pytest.mark.parametrize(
    "bindings",
    [
        {"login_role_bindings": {"{username}": ["admin"]}},
        {"login_role_bindings": {"{username}/*": ["owner"]}},
        {"user_role_bindings": {"alice": ["admin"]}},
        {"user_role_bindings": {"alice": {"*/*": "admin"}}},
        {"group_role_bindings": {"devs": {"dev s/*": ["admin"]}}, "groups_key": "groups"},
    ],
)
def test_role_bindings_nobody_can_read_are_refused(bindings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="role bindings of logins"):
        provider_of(GenericOAuthAuthentication, GenericOAuthAuthentication={**GENERIC, **bindings})


@pytest.mark.parametrize("option", [{"allowed_groups": ["devs"]}, {"group_role_bindings": {"devs": {}}}])
def test_groups_nobody_tells_are_refused(option: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="groups_key"):
        provider_of(GenericOAuthAuthentication, GenericOAuthAuthentication={**GENERIC, **option})


@pytest.mark.parametrize("seconds", [0, -1, 61, 1e9])
def test_patience_without_end_is_refused(seconds: float) -> None:
    with pytest.raises(TraitError, match="timeout"):
        provider_of(GenericOAuthAuthentication, GenericOAuthAuthentication={**GENERIC, "timeout": seconds})


def test_namespaces_of_nobody_are_those_configured() -> None:
    store = {"default_namespace": "everyone", "filesystem_namespace": "watched"}
    options = provider_of(GenericOAuthAuthentication, GenericOAuthAuthentication=GENERIC, CondaStore=store)
    assert options.client.rules.reserved == {"everyone", "watched"}


def test_every_option_of_a_provider_tells_what_it_is() -> None:
    for section in PROVIDERS:
        assert all(trait.help for trait in section.class_own_traits(config=True).values())
