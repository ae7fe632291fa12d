"""The routes of auth as an application on SQLite; the role bindings of its database are a dictionary."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import delete, select

from conda_store_auth.adapters.dummy_provider import DummyProvider
from conda_store_auth.app import wire_routes
from conda_store_auth.routes.login import PasswordLogin
from conda_store_auth.routes.oauth import ProviderLogin
from conda_store_auth.routes.pages import Pages
from conda_store_auth.routes.pages.template_set import PageOptions
from conda_store_auth.routes.token_cookie import TokenCookie
from conda_store_auth.routes.tokens import TokenPages
from conda_store_shared.contracts.topology import AUTH
from conda_store_shared.db.engine import Database
from conda_store_shared.db.migrate import upgrade
from conda_store_shared.db.models import IssuedToken, Outbox
from conda_store_shared.domain.permission import RoleBinding
from conda_store_shared.testing.memory_rights import MemoryRights
from conda_store_shared.transaction import Transactions
from conda_store_shared.web.application import create_application
from conda_store_shared.web.authentication import Authenticator, AuthorizationOptions
from conda_store_shared.web.credentials import OwnPages
from conda_store_shared.web.routing import prefixed
from conda_store_shared.web.tokens import Token

SECRET = "a secret for these tests, and for nothing else"
NOW = datetime(2026, 11, 22, 11, 7, 30, 500_000, tzinfo=UTC)
ROBOT = {"robot": {"primary_namespace": "robot", "role_bindings": {"*/*": ["admin"]}}}
_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of this directory in the loop of the session: they share a database."""
    for item in items:
        if _HERE in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


class Auth:
    """The service in a test: its clock stands still, ``database`` holds role bindings by primary namespace."""

    def __init__(self, transactions: Transactions) -> None:
        self.transactions = transactions
        self.rights = MemoryRights()
        self.database = self.rights.granted
        options = AuthorizationOptions(secret=SECRET, predefined_tokens=ROBOT)
        self.authenticator = Authenticator(options, self.rights, clock=lambda: NOW)

    def token(
        self,
        name: str,
        bindings: Mapping[str, Sequence[str]],
        lifetime: timedelta = timedelta(hours=1),
        token_id: str | None = None,
    ) -> str:
        """Return a token as this service signs it, recorded nowhere."""
        parsed = tuple(RoleBinding.parse(arn, roles) for arn, roles in bindings.items())
        token = Token(expiration=NOW + lifetime, primary_namespace=name, bindings=parsed, token_id=token_id)
        return self.authenticator.signer.sign(token)

    @asynccontextmanager
    async def client(
        self,
        *,
        token: str | None = None,
        password: str = "password",
        base_url: str = "http://conda-store.example",
        login: PasswordLogin | ProviderLogin | None = None,
        **options: Any,
    ) -> AsyncIterator[httpx.AsyncClient]:
        """Open a browser (cookies are kept) or, with ``token``, a script."""
        cookie = TokenCookie("conda-store-auth", options.get("cookie_domain"))
        page_options = {name: options[name] for name in ("login_html", "templates", "variables") if name in options}
        pages = (Pages(PageOptions(**page_options)), OwnPages(), TokenPages(maximum_size=5))
        resources = (*pages, cookie, self.authenticator, self.transactions)
        routes = wire_routes(login or PasswordLogin(DummyProvider(password)), *resources, secret=SECRET)
        routes = prefixed(options.get("url_prefix", "/"), routes)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        transport = httpx.ASGITransport(create_application(routes))
        async with httpx.AsyncClient(transport=transport, base_url=base_url, headers=headers) as client:
            yield client

    async def recorded(self) -> Sequence[IssuedToken]:
        """The rows of tokens, oldest first."""
        async with self.transactions.database.session() as session:
            rows = await session.scalars(select(IssuedToken).order_by(IssuedToken.created_on, IssuedToken.id))
            return rows.all()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def token_database(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    """A database with what the last test left in it."""
    async with Database(f"sqlite:///{tmp_path_factory.mktemp('auth')}/auth.sqlite") as opened:
        await upgrade(opened)
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def auth(token_database: Database) -> Auth:
    """The service, with nobody in its database."""
    transactions = Transactions(token_database, AUTH)
    async with transactions.begin() as transaction:
        for table in (IssuedToken, Outbox):
            await transaction.session.execute(delete(table))
    return Auth(transactions)


@pytest.fixture
def now() -> datetime:
    """The time at which the service's clock stands."""
    return NOW
