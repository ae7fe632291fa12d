"""Options of logins that another service vouches for, under the names existing configuration files use."""

from typing import Any

from traitlets import Bool, Callable, Dict, Float, List, TraitError, Unicode, Union, default, validate

from conda_store_shared.config.authentication import Authentication


class GenericOAuthAuthentication(Authentication):
    """Log in at an OAuth 2.0 provider that tells who somebody is by a request of its own."""

    access_token_url = Unicode("", help="Where authorization codes are exchanged for access tokens.").tag(config=True)
    authorize_url = Unicode("", help="Page of the provider to which the browser is sent.").tag(config=True)
    client_id = Unicode("", help="Name under which the provider knows us.").tag(config=True)
    client_secret = Unicode("", help="Secret that the provider gave us; empty for a public client.").tag(
        config=True, secret=True
    )
    access_scope = Unicode("", help="Scopes to ask for, separated by spaces.").tag(config=True)
    user_data_url = Unicode("", help="Where the provider tells, as JSON, whose access token it is.").tag(config=True)
    user_data_key = Unicode("", help="Key of that answer which holds the user name.").tag(config=True)
    groups_key = Unicode("", help="Key of that answer which holds the names of groups; none are read when empty.").tag(
        config=True
    )
    oauth_callback_url = Union(
        [Unicode(), Callable()],
        default_value="",
        help="Address the provider sends the browser back to, as registered there: a text, handed on as it is, or a "
        "function of the request.  When empty, /oauth_callback/ of the address at which the browser reached us.",
    ).tag(config=True)
    tls_verify = Bool(True, help="Whether the provider must have a valid certificate.").tag(config=True)
    pkce = Bool(
        True, help="Whether to send a PKCE challenge (S256); only for providers that refuse what they do not know."
    ).tag(config=True)
    timeout = Float(10.0, help="Seconds until an answer of the provider is given up.").tag(config=True)
    provider_name = Unicode(
        "", help="What the login page calls the provider; the host of its page when empty."
    ).tag(config=True)
    login_role_bindings = Dict(
        help="Roles by '<namespace>/<environment>' of everybody who logs in; {username} stands for their name."
    ).tag(config=True)
    user_role_bindings = Dict(help="More roles by '<namespace>/<environment>', by user name.").tag(config=True)
    group_role_bindings = Dict(help="More roles by '<namespace>/<environment>', by group.").tag(config=True)
    allowed_users = List(
        Unicode(), help="User names that may log in; everybody's when neither this nor allowed_groups is set."
    ).tag(config=True)
    allowed_groups = List(Unicode(), help="Groups whose members may log in.").tag(config=True)

    @default("login_role_bindings")
    def _own_namespace(self) -> dict[str, list[str]]:
        return {"{username}/*": ["admin"]}

    @validate("timeout")
    def _some_time(self, proposal: Any) -> float:
        seconds: float = proposal["value"]
        if not 0 < seconds <= 60:
            raise TraitError(f"c.GenericOAuthAuthentication.timeout: {seconds} is not between 0 and 60 seconds")
        return seconds


class GithubOAuthAuthentication(GenericOAuthAuthentication):
    """Log in at GitHub."""

    github_url = Unicode("https://github.com", help="Address of GitHub's pages.").tag(config=True)
    github_api = Unicode("https://api.github.com", help="Address of GitHub's API.").tag(config=True)

    @default("access_token_url")
    def _access_token_url_of_github(self) -> str:
        return f"{self.github_url.rstrip('/')}/login/oauth/access_token"

    @default("authorize_url")
    def _authorize_url_of_github(self) -> str:
        return f"{self.github_url.rstrip('/')}/login/oauth/authorize"

    @default("access_scope")
    def _scope_of_github(self) -> str:
        return "user:email"

    @default("user_data_url")
    def _user_data_url_of_github(self) -> str:
        return f"{self.github_api.rstrip('/')}/user"

    @default("user_data_key")
    def _user_data_key_of_github(self) -> str:
        return "login"

    @default("provider_name")
    def _name_of_github(self) -> str:
        return "GitHub"


class JupyterHubOAuthAuthentication(GenericOAuthAuthentication):
    """Log in at a JupyterHub, whose service we are."""

    jupyterhub_url = Unicode("", help="Address of the hub, without /hub/.").tag(config=True)

    @default("access_token_url")
    def _access_token_url_of_jupyterhub(self) -> str:
        return self._below_hub("api/oauth2/token")

    @default("authorize_url")
    def _authorize_url_of_jupyterhub(self) -> str:
        return self._below_hub("api/oauth2/authorize")

    @default("user_data_url")
    def _user_data_url_of_jupyterhub(self) -> str:
        return self._below_hub("api/user")

    @default("user_data_key")
    def _user_data_key_of_jupyterhub(self) -> str:
        return "name"

    @default("groups_key")
    def _groups_key_of_jupyterhub(self) -> str:
        return "groups"

    @default("provider_name")
    def _name_of_jupyterhub(self) -> str:
        return "JupyterHub"

    def _below_hub(self, path: str) -> str:
        return f"{self.jupyterhub_url.rstrip('/')}/hub/{path}" if self.jupyterhub_url else ""


class OIDCAuthentication(GenericOAuthAuthentication):
    """Log in at an OpenID Connect provider, whose addresses and keys are found by its issuer.

    An address that is set all the same is used in place of the one found.
    """

    issuer = Unicode("", help="Issuer of the provider: its address, to the letter as it calls itself.").tag(config=True)
    username_claim = Unicode("preferred_username", help="Claim that holds the user name.").tag(config=True)
    groups_claim = Unicode("groups", help="Claim that holds the names of groups; none are read when empty.").tag(
        config=True
    )
    token_endpoint_auth_method = Unicode(
        "",
        help="How we prove who we are: client_secret_basic, client_secret_post or none; what the provider offers when "
        "empty.",
    ).tag(config=True)

    @default("access_scope")
    def _scope_of_oidc(self) -> str:
        return "openid profile email"
