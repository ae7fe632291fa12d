"""The host that a proxy says it was asked for."""

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from conda_store_shared.web.forwarded_host import ForwardedHost


async def tell_address(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(str(Request(scope).base_url))(scope, receive, send)


async def address(**headers: str) -> str:
    transport = httpx.ASGITransport(ForwardedHost(tell_address))
    async with httpx.AsyncClient(transport=transport, base_url="http://inside:8080") as client:
        return (await client.get("/", headers=headers)).text


@pytest.mark.parametrize(
    ("told", "host"),
    [
        ("store.example", "store.example"),
        ("store.example:8443", "store.example:8443"),
        ("store.example, inner.example", "store.example"),
        ("[2001:db8::1]:8443", "[2001:db8::1]:8443"),
    ],
)
async def test_service_takes_the_host_a_proxy_was_asked_for(told: str, host: str) -> None:
    assert await address(**{"X-Forwarded-Host": told}) == f"http://{host}/"


@pytest.mark.parametrize(
    "told", ["", " ", "a b", "evil.example/path", "user@evil.example", "a:b", 'a"b', "a\\b", "a" * 300, ":80", "a:"]
)
async def test_service_keeps_the_host_when_the_proxy_tells_none(told: str) -> None:
    assert await address(**{"X-Forwarded-Host": told}) == "http://inside:8080/"
    assert await address() == "http://inside:8080/"
