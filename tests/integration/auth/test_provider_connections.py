"""How the service speaks to a provider: over TLS, and proving who it is."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.responses import JSONResponse

from conda_store_auth.adapters.oidc_provider import Issuer
from conda_store_shared.testing.private_server import write_certificate
from tests.integration.auth.conftest import Logins
from tests.integration.auth.odd_provider import CLIENT_ID, CLIENT_SECRET, OddProvider, log_in


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while part := await reader.read(65536):
        writer.write(part)
        await writer.drain()
    writer.close()


@asynccontextmanager
async def over_tls(provider: OddProvider, directory: Path) -> AsyncIterator[str]:
    """The provider behind TLS; gives its new address, which it takes for its own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(write_certificate(directory / "certificate.pem"))

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", provider.port)
        async with asyncio.TaskGroup() as group:
            group.create_task(pump(reader, inner_writer))
            group.create_task(pump(inner_reader, writer))

    server = await asyncio.start_server(join, "127.0.0.1", 0, ssl=context)
    async with server:
        provider.url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield provider.url


async def test_certificate_nobody_vouches_for_is_believed_only_where_told_so(
    oidc: Logins, provider: OddProvider, tmp_path: Path
) -> None:
    async with over_tls(provider, tmp_path) as address:
        secure = oidc.configured(place=Issuer(issuer=address, groups_claim=""))
        async with secure.browser() as browser:
            refused = await browser.get("/login/")
        async with secure.configured(tls_verify=False).browser() as browser:
            taken = await log_in(browser, provider)
    assert (refused.status_code, refused.json()["status"]) == (503, "error")
    assert taken.status_code == 200


def offering(provider: OddProvider, *methods: str) -> None:
    """Let the provider publish by which methods clients may prove who they are."""
    usual = {
        "issuer": provider.url,
        "authorization_endpoint": f"{provider.url}/authorize",
        "token_endpoint": f"{provider.url}/token",
        "jwks_uri": f"{provider.url}/jwks",
        "token_endpoint_auth_methods_supported": list(methods),
    }
    provider.answers["/.well-known/openid-configuration"] = lambda _request: JSONResponse(usual)


@pytest.mark.parametrize(
    ("offered", "configured", "used"),
    [
        (["client_secret_post", "client_secret_basic"], "", "basic"),
        (["client_secret_post"], "", "post"),
        (["private_key_jwt"], "", "basic"),
        (["client_secret_basic"], "client_secret_post", "post"),
        (["client_secret_basic"], "none", "none"),
    ],
)
async def test_secret_is_shown_as_the_provider_wants_it(
    oidc: Logins, provider: OddProvider, offered: list[str], configured: str, used: str
) -> None:
    offering(provider, *offered)
    assert isinstance(oidc.options.place, Issuer)
    place = replace(oidc.options.place, token_endpoint_auth_method=configured)
    async with oidc.configured(place=place).browser() as browser:
        assert (await log_in(browser, provider)).status_code == 200
    [form], [authorization] = provider.forms, provider.authorizations
    basic = "Basic " + base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
    shown = {"basic": (basic, None), "post": ("", CLIENT_SECRET), "none": ("", None)}
    assert (authorization, form.get("client_secret")) == shown[used]


async def test_public_client_shows_no_secret(oidc: Logins, provider: OddProvider) -> None:
    async with oidc.configured(client_secret="").browser() as browser:
        assert (await log_in(browser, provider)).status_code == 200
    [form], [authorization] = provider.forms, provider.authorizations
    assert (authorization, form["client_id"], form.get("client_secret")) == ("", CLIENT_ID, None)


async def test_addresses_that_are_configured_go_before_those_published(oidc: Logins, provider: OddProvider) -> None:
    assert isinstance(oidc.options.place, Issuer)
    place = replace(oidc.options.place, authorize_url="https://public.example/authorize?tenant=7")
    async with oidc.configured(place=place).browser() as browser:
        begun = await browser.get("/login/")
    assert begun.headers["Location"].startswith("https://public.example/authorize?tenant=7&response_type=code&")
