"""Composition root of auth."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from traitlets.config import Config

from conda_store_auth.adapters.dummy_provider import DummyProvider, OpenProvider
from conda_store_auth.adapters.oauth_provider import OAuthProvider
from conda_store_auth.adapters.oidc_provider import Issuer, OidcProvider
from conda_store_auth.adapters.own_provider import OwnProvider
from conda_store_auth.app import wire_routes
from conda_store_auth.background import Background
from conda_store_auth.config import AuthOptions, OAuthOptions, OwnOptions, read_options
from conda_store_auth.consumers import subscriptions
from conda_store_auth.domain.loopback import is_loopback
from conda_store_auth.ports import RedirectProvider
from conda_store_auth.routes.login import PasswordLogin
from conda_store_auth.routes.oauth import ProviderLogin
from conda_store_auth.routes.pages import Pages
from conda_store_auth.routes.token_cookie import TokenCookie
from conda_store_auth.routes.tokens import TokenPages
from conda_store_shared.assembly.authentication import wire_authentication
from conda_store_shared.assembly.database import await_database, open_database
from conda_store_shared.assembly.message_bus import open_bus
from conda_store_shared.assembly.process import Process, run_command
from conda_store_shared.bus.port import Bus
from conda_store_shared.contracts.topology import AUTH
from conda_store_shared.db.engine import Database
from conda_store_shared.errors import ConfigurationError
from conda_store_shared.relay import Relay
from conda_store_shared.transaction import Transactions
from conda_store_shared.web.authentication import utc_now
from conda_store_shared.web.credentials import OwnPages
from conda_store_shared.web.unstorable import unstorable_value
from conda_store_shared.worker.service import Service


def build(options: AuthOptions, *, bus: Bus, database: Database) -> Service:
    """Wire the service.

    Raises ConfigurationError for a missing or short secret, for role bindings nobody can read, and when anybody on the
    network could log in as administrator.
    """
    # Nothing is remembered here: who asks what they may do has often just been granted it.
    known = options.authorization
    authentication = wire_authentication(known, AUTH, bus=bus, database=database, seconds=0)
    transactions = Transactions(database, AUTH)
    routes = wire_routes(
        _login(options),
        Pages(options.pages),
        TokenCookie(known.cookie_name, options.cookie_domain),
        OwnPages(known.trusted_origins, known.trusted_origin_pattern),
        authentication.authenticator,
        transactions,
        TokenPages(maximum_size=options.max_page_size),
        secret=known.secret,
    )
    return Service(
        name=AUTH,
        routes=routes,
        subscriptions=[*subscriptions(transactions), authentication.subscription],
        background=(
            Relay(transactions, bus).run,
            authentication.background,
            Background(transactions).forget_expired_forever,
        ),
        checks={"database": database.check},
    )


def _login(options: AuthOptions) -> PasswordLogin | ProviderLogin:
    provider = options.provider
    if isinstance(provider, OAuthOptions):
        return ProviderLogin(_redirect_provider(provider), provider.callback_url)
    if isinstance(provider, OwnOptions):
        return PasswordLogin(OwnProvider(provider.authenticate), reads_request=True)
    if not provider.password and not is_loopback(options.address):
        raise ConfigurationError(
            "DummyAuthentication.password is empty, so anybody could log in as administrator: "
            "set a password, or listen on loopback with CondaStoreServer.address=127.0.0.1"
        )
    return PasswordLogin(OpenProvider() if provider.password is None else DummyProvider(provider.password))


def _redirect_provider(options: OAuthOptions) -> RedirectProvider:
    if isinstance(options.place, Issuer):
        return OidcProvider(options.client, options.place, utc_now)
    return OAuthProvider(options.client, options.place)


@asynccontextmanager
async def assemble(config: Config) -> AsyncIterator[Process]:
    """Open what the service stands on and wire it; raises ConfigurationError."""
    async with open_database(config, AUTH) as database:
        bus = open_bus(config, AUTH)
        service = build(read_options(config), bus=bus, database=database)
        schema = await await_database(config, database)
        yield Process(services=[service, *schema], bus=bus, translate=(unstorable_value,))


def main() -> None:
    """Run the command ``conda-store-auth``."""
    run_command(AUTH, "logs people in, issues and revokes tokens.", assemble)
