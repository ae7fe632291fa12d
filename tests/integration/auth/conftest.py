"""Auth in front of an identity provider, and browsers of it."""

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from conda_store_auth.adapters.oauth_provider import Endpoints, OAuthClient
from conda_store_auth.adapters.oidc_provider import Issuer
from conda_store_auth.config import AuthOptions, OAuthOptions
from conda_store_auth.main import build
from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.db.engine import Database
from conda_store_shared.web.application import create_application
from conda_store_shared.web.authentication import AuthorizationOptions
from conda_store_shared.web.routing import prefixed
from tests.integration.auth.odd_provider import CLIENT_ID, CLIENT_SECRET, OddProvider

OPTIONS = AuthorizationOptions(secret="a secret for these tests, and for nothing else")
BASE_URL = "http://conda-store.example"

Browser = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@dataclass(frozen=True, slots=True)
class Logins:
    """Auth with one way to log in."""

    options: OAuthOptions
    database: Database

    def configured(self, *, callback_url: Any = "", place: Any = None, **client: Any) -> "Logins":
        """The same with other options of the provider."""
        known = replace(self.options.client, **client)
        options = replace(self.options, client=known, callback_url=callback_url, place=place or self.options.place)
        return Logins(options, self.database)

    @asynccontextmanager
    async def browser(self, base_url: str = BASE_URL, prefix: str = "/") -> AsyncIterator[httpx.AsyncClient]:
        """Open a browser of its own."""
        service = build(
            AuthOptions(authorization=OPTIONS, provider=self.options), bus=MemoryBus(), database=self.database
        )
        application = create_application(prefixed(prefix, service.routes))
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport, base_url=base_url) as client:
            yield client


@pytest.fixture
async def provider() -> AsyncIterator[OddProvider]:
    """A provider that behaves until it is told otherwise."""
    async with OddProvider().running() as running:
        yield running


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """URL of an SQLite database of this test's own, with the newest schema and no rows."""
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'auth.sqlite')}"


@pytest.fixture
async def login_database(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Database]:
    """A database of this test's own."""
    copied = shutil.copy(sqlite_template, tmp_path / "logins.sqlite")
    async with Database(f"sqlite:///{copied}") as database:
        yield database


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of a database of either kind, with the newest schema."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database of either kind, of this test's own."""
    async with Database(database_url) as opened:
        yield opened


@pytest.fixture
def client() -> OAuthClient:
    """How we are known to the provider."""
    return OAuthClient(name="Odd", client_id=CLIENT_ID, client_secret=CLIENT_SECRET, scope="profile", timeout=20)


@pytest.fixture
def oauth(provider: OddProvider, client: OAuthClient, login_database: Database) -> Logins:
    """Auth with the provider as plain OAuth 2.0."""
    place = Endpoints(
        authorize_url=f"{provider.url}/authorize",
        access_token_url=f"{provider.url}/token",
        user_data_url=f"{provider.url}/user",
        user_data_key="login",
    )
    return Logins(OAuthOptions(client=client, place=place), login_database)


@pytest.fixture
def oidc(provider: OddProvider, client: OAuthClient, login_database: Database) -> Logins:
    """Auth with the provider as OpenID Connect."""
    return Logins(OAuthOptions(client=client, place=Issuer(issuer=provider.url, groups_claim="")), login_database)


@pytest.fixture(params=["oauth", "oidc"])
def logins(request: pytest.FixtureRequest) -> Logins:
    """Auth with the provider as either."""
    found: Logins = request.getfixturevalue(request.param)
    return found
