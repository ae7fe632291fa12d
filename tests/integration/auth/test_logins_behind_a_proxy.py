"""Logging in at a provider through a proxy that speaks TLS, which the service never sees."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from conda_store_auth.config import AuthOptions
from conda_store_auth.main import build
from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.testing.servers import free_port
from conda_store_shared.testing.servers.process import accepts_connections, wait_until
from conda_store_shared.web.application import create_application
from conda_store_shared.web.forwarded import TrustedProxies
from conda_store_shared.web.routing import prefixed
from conda_store_shared.web.server import Listening, serve
from tests.integration.auth.conftest import OPTIONS, Logins
from tests.integration.auth.odd_provider import OddProvider

FORWARDED = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "store.example", "X-Forwarded-For": "192.0.2.7"}


@asynccontextmanager
async def served(logins: Logins, *trusted_proxies: str) -> AsyncIterator[httpx.AsyncClient]:
    """The service on a real port, and a proxy's requests to it."""
    options = AuthOptions(authorization=OPTIONS, provider=logins.options)
    service = build(options, bus=MemoryBus(), database=logins.database)
    application = create_application(prefixed("/store", service.routes))
    port = free_port()
    listening = Listening(address="127.0.0.1", port=port, proxies=TrustedProxies.parse(trusted_proxies))
    serving = asyncio.create_task(serve(application, listening))
    assert await asyncio.to_thread(wait_until, lambda: accepts_connections(port), 20)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=FORWARDED) as client:
        yield client
    serving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await serving


async def test_browser_comes_back_to_the_address_it_knows(logins: Logins, provider: OddProvider) -> None:
    async with served(logins, "127.0.0.1") as proxy:
        begun = await proxy.get("/store/login/?next=https://store.example/store/ui/")
        brought = provider.send_back(begun.headers["Location"])
        cookie = begun.headers["set-cookie"]
        # httpx keeps no secure cookie of a plain address; a browser does, of the proxy's.
        kept = {"Cookie": cookie.partition(";")[0]}
        page = await proxy.get("/store/oauth_callback/", params=brought, headers=kept)
    assert provider.login["redirect_uri"] == "https://store.example/store/oauth_callback/"
    assert cookie.startswith("__Host-session-")
    assert "secure" in cookie.lower()
    assert page.status_code == 200
    assert 'window.location = "https://store.example/store/ui/";' in page.text


@pytest.mark.parametrize("trusted_proxies", [(), ("192.0.2.0/24",)])
async def test_headers_anybody_can_send_count_for_nothing_without_a_trusted_proxy(
    logins: Logins, provider: OddProvider, trusted_proxies: tuple[str, ...]
) -> None:
    async with served(logins, *trusted_proxies) as proxy:
        begun = await proxy.get("/store/login/?next=https://store.example/store/ui/")
        page = await proxy.get("/store/oauth_callback/", params=provider.send_back(begun.headers["Location"]))
        own = str(proxy.base_url).rstrip("/")
    assert provider.login["redirect_uri"] == f"{own}/store/oauth_callback/"
    assert f'window.location = "{own}/";' in page.text
