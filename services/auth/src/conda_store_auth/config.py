"""The options of auth, as plain values."""

from dataclasses import dataclass

from traitlets.config import Config

from conda_store_shared.config.authentication import DummyAuthentication
from conda_store_shared.config.authorization import authorization_values
from conda_store_shared.config.server import CondaStoreServer
from conda_store_shared.errors import ConfigurationError
from conda_store_shared.web.authentication import AuthorizationOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthOptions:
    """Options of auth.  ``address`` is where the process listens, empty for every interface."""

    authorization: AuthorizationOptions
    dummy_password: str = "password"  # noqa: S105  the documented default of a provider made for testing
    cookie_domain: str | None = None
    login_html: str = ""
    address: str = "127.0.0.1"


def read_options(config: Config) -> AuthOptions:
    """Return the options that ``config`` sets; raises ConfigurationError for a provider that does not exist."""
    server = CondaStoreServer(config=config)
    authentication = server.authentication_class
    section = authentication(config=config)
    if not isinstance(section, DummyAuthentication):
        raise ConfigurationError(
            f"CondaStoreServer.authentication_class={authentication.__name__} is not supported; use DummyAuthentication"
        )
    return AuthOptions(
        authorization=AuthorizationOptions(**authorization_values(config)),
        dummy_password=section.password,
        cookie_domain=section.cookie_domain,
        login_html=section.login_html,
        address=server.address,
    )
