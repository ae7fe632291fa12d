"""The routes of auth as an application, with role bindings of a database that is a dictionary."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from conda_store_auth.adapters.dummy_provider import DummyProvider
from conda_store_auth.app import wire_routes
from conda_store_auth.routes.login import Login
from conda_store_auth.routes.login_page import LoginPage
from conda_store_shared.domain.permission import RoleBinding
from conda_store_shared.web.application import create_application
from conda_store_shared.web.authentication import Authenticator, AuthorizationOptions
from conda_store_shared.web.routing import prefixed
from conda_store_shared.web.tokens import Token

SECRET = "a secret for these tests, and for nothing else"
NOW = datetime(2026, 11, 22, 11, 7, 30, 500_000, tzinfo=UTC)


class Auth:
    """The service in a test: its clock stands still, ``database`` holds role bindings by primary namespace."""

    def __init__(self) -> None:
        self.database: dict[str, Mapping[str, Sequence[str]]] = {}
        self.authenticator = Authenticator(AuthorizationOptions(secret=SECRET), self._bindings, clock=lambda: NOW)

    async def _bindings(self, primary_namespace: str) -> Mapping[str, Sequence[str]]:
        return self.database.get(primary_namespace, {})

    def token(self, name: str, bindings: Mapping[str, Sequence[str]], lifetime: timedelta = timedelta(hours=1)) -> str:
        """Return a token as this service signs it."""
        parsed = tuple(RoleBinding.parse(arn, roles) for arn, roles in bindings.items())
        return self.authenticator.signer.sign(Token(expiration=NOW + lifetime, primary_namespace=name, bindings=parsed))

    @asynccontextmanager
    async def client(
        self,
        *,
        token: str | None = None,
        password: str = "password",
        base_url: str = "http://conda-store.example",
        login_html: str = "",
        **options: Any,
    ) -> AsyncIterator[httpx.AsyncClient]:
        """Open a browser (cookies are kept) or, with ``token``, a script."""
        login = Login(
            provider=DummyProvider(password),
            page=LoginPage(login_html),
            cookie_name="conda-store-auth",
            cookie_domain=options.get("cookie_domain"),
        )
        prefix = options.get("url_prefix", "/")
        routes = prefixed(prefix, wire_routes(login, self.authenticator, session_secret=SECRET))
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        transport = httpx.ASGITransport(create_application(routes))
        async with httpx.AsyncClient(transport=transport, base_url=base_url, headers=headers) as client:
            yield client


@pytest.fixture
def auth() -> Auth:
    """The service, with nobody in its database."""
    return Auth()


@pytest.fixture
def now() -> datetime:
    """The time at which the service's clock stands."""
    return NOW
