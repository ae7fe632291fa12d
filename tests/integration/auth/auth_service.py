"""auth on a real database, and somebody who is logged in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from conda_store_auth.config import AuthOptions
from conda_store_auth.main import build
from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.db.engine import Database
from conda_store_shared.web.application import create_application
from conda_store_shared.web.authentication import AuthorizationOptions
from conda_store_shared.web.health import Readiness, health_routes
from conda_store_shared.web.unstorable import unstorable_value

SECRET = "a secret for these tests, and for nothing else"


@asynccontextmanager
async def logged_in(database: Database, name: str, version: int = 1) -> AsyncIterator[httpx.AsyncClient]:
    """Wire auth and log in; ``version`` is that of the role mappings that count."""
    options = AuthOptions(authorization=AuthorizationOptions(secret=SECRET, role_mappings_version=version))
    service = build(options, bus=MemoryBus(), database=database)
    routes = [*service.routes, *health_routes(Readiness(service.checks))]
    transport = httpx.ASGITransport(create_application(routes, translate=[unstorable_value]))
    async with httpx.AsyncClient(transport=transport, base_url="http://conda-store.example") as client:
        answer = await client.post("/login/", json={"username": name, "password": "password"})
        assert answer.status_code == 200
        yield client
