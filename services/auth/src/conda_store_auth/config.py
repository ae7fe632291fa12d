"""The options of auth, as plain values."""

from dataclasses import dataclass

from traitlets.config import Config

from conda_store_shared.config.authentication import (
    Authentication,
    DummyAuthentication,
    authorization_values,
)
from conda_store_shared.errors import ConfigurationError
from conda_store_shared.web.authentication import AuthorizationOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthOptions:
    """Options of auth.  ``dummy_password`` belongs to the one provider there is so far."""

    authorization: AuthorizationOptions
    dummy_password: str = "password"  # noqa: S105  the documented default of a provider made for testing
    cookie_domain: str | None = None
    login_html: str = ""
    role_mappings_version: int = 1
    url_prefix: str = "/"

    @property
    def loopback_only(self) -> bool:
        """Whether anybody at all can log in, so that nothing but loopback may be served."""
        return not self.dummy_password


def read_options(
    config: Config, authentication: type[Authentication] = DummyAuthentication, *, url_prefix: str = "/"
) -> AuthOptions:
    """Return the options that ``config`` sets; raises ConfigurationError for a provider that does not exist."""
    if not issubclass(authentication, DummyAuthentication):
        raise ConfigurationError(
            f"CondaStoreServer.authentication_class={authentication.__name__} is not supported; use DummyAuthentication"
        )
    section = authentication(config=config)
    rights = section.authorization_backend(config=config)
    return AuthOptions(
        authorization=AuthorizationOptions(**authorization_values(config, authentication)),
        dummy_password=section.password,
        cookie_domain=section.cookie_domain,
        login_html=section.login_html,
        role_mappings_version=rights.role_mappings_version,
        url_prefix=url_prefix,
    )
