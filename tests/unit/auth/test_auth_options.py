"""What a configuration file says about authentication."""

from typing import Any

import pytest
from traitlets import TraitError
from traitlets.config import Config

from conda_store_auth.config import PasswordOptions, read_options
from conda_store_auth.main import build
from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.config.authentication import (
    Authentication,
    AuthenticationBackend,
    DummyAuthentication,
    RBACAuthorizationBackend,
)
from conda_store_shared.db.engine import Database
from conda_store_shared.domain.permission import PERMISSIONS_OF_ROLE, Role, parse_role
from conda_store_shared.errors import ConfigurationError

SECRET = "a secret for these tests, and for nothing else"


def configured(**sections: dict[str, Any]) -> Config:
    return Config({"AuthenticationBackend": {"secret": SECRET}, **sections})


def test_defaults_are_those_people_know() -> None:
    options = read_options(configured())
    assert (options.provider, options.cookie_domain) == (PasswordOptions(password="password"), None)
    known = options.authorization
    assert (known.role_mappings_version, known.trusted_origins, known.trusted_origin_pattern) == (1, (), None)
    assert (known.cookie_name, known.jwt_algorithm, known.predefined_tokens) == ("conda-store-auth", "HS256", {})
    assert known.unauthenticated_role_bindings == {"default/*": {"viewer"}}
    assert known.authenticated_role_bindings == {"default/*": {"viewer"}, "filesystem/*": {"viewer"}}


def test_usual_role_mappings_are_the_rules_of_the_domain() -> None:
    mappings = RBACAuthorizationBackend().role_mappings
    assert {parse_role(role): frozenset(permissions) for role, permissions in mappings.items()} == PERMISSIONS_OF_ROLE
    assert mappings.keys() == {"viewer", "editor", "admin"}
    assert set(PERMISSIONS_OF_ROLE) == set(Role)


def test_section_of_the_parent_reaches_the_provider() -> None:
    options = read_options(
        configured(
            Authentication={"cookie_name": "own", "cookie_domain": "example", "login_html": "<form>"},
            DummyAuthentication={"password": "tulip"},
            RBACAuthorizationBackend={"role_mappings_version": 2},
            CondaStore={"default_namespace": "everyone"},
            CondaStoreServer={"cors_allow_origins": ["https://hub.example"], "cors_allow_origin_regex": "https://a[.]b"},
        )
    )
    assert (options.authorization.cookie_name, options.cookie_domain, options.pages.login_html) == (
        "own",
        "example",
        "<form>",
    )
    known = options.authorization
    assert (options.provider, known.role_mappings_version) == (PasswordOptions(password="tulip"), 2)
    assert known.default_namespace == "everyone"
    assert (known.trusted_origins, known.trusted_origin_pattern) == (("https://hub.example",), "https://a[.]b")


def test_backend_of_ones_own_may_bring_the_options() -> None:
    class OwnBackend(AuthenticationBackend):
        """A class as a configuration file declares it."""

    config = Config({"Authentication": {"authentication_backend": OwnBackend}, "OwnBackend": {"secret": SECRET}})
    assert read_options(config).authorization.secret == SECRET


def test_unknown_version_of_role_mappings_is_refused_with_the_known_words() -> None:
    with pytest.raises(TraitError) as raised:
        read_options(configured(RBACAuthorizationBackend={"role_mappings_version": 3}))
    assert str(raised.value) == (
        "c.RBACAuthorizationBackend.role_mappings_version: invalid role mappings version: 3, expected: (1, 2)"
    )


def test_provider_that_does_not_exist_is_refused() -> None:
    class OwnAuthentication(Authentication):
        """A class as a configuration file declares it."""

    with pytest.raises(ConfigurationError, match="use DummyAuthentication"):
        read_options(configured(CondaStoreServer={"authentication_class": OwnAuthentication}))


async def test_service_without_a_secret_does_not_start() -> None:
    async with Database("sqlite://") as database:
        with pytest.raises(ConfigurationError, match=r"AuthenticationBackend\.secret"):
            build(read_options(Config()), bus=MemoryBus(), database=database)


@pytest.mark.parametrize("address", ["", "0.0.0.0", "192.0.2.1", "::", "conda-store.example"])
async def test_service_anybody_can_enter_does_not_start_on_the_network(address: str) -> None:
    config = configured(DummyAuthentication={"password": ""}, CondaStoreServer={"address": address})
    async with Database("sqlite://") as database:
        with pytest.raises(ConfigurationError, match="anybody could log in"):
            build(read_options(config), bus=MemoryBus(), database=database)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
async def test_service_anybody_can_enter_starts_on_loopback(address: str) -> None:
    config = configured(DummyAuthentication={"password": ""}, CondaStoreServer={"address": address})
    async with Database("sqlite://") as database:
        assert build(read_options(config), bus=MemoryBus(), database=database).routes


def test_every_option_tells_what_it_is() -> None:
    for section in (AuthenticationBackend, RBACAuthorizationBackend, Authentication, DummyAuthentication):
        assert all(trait.help for trait in section.class_own_traits(config=True).values())
