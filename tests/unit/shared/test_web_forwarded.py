"""What a proxy tells is believed of those proxies that are trusted, and of nobody else."""

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from conda_store_shared.config.server import CondaStoreServer
from conda_store_shared.errors import ConfigurationError
from conda_store_shared.web.forwarded import Forwarded, TrustedProxies

USUAL = CondaStoreServer().trusted_proxies
TOLD = {"X-Forwarded-Host": "store.example", "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}


async def tell_address(scope: Scope, receive: Receive, send: Send) -> None:
    request = Request(scope)
    client = request.client.host if request.client else "nobody"
    await PlainTextResponse(f"{client} at {request.base_url}")(scope, receive, send)


async def seen(peer: str, proxies: list[str], headers: dict[str, str]) -> str:
    """Who asked, and at which address, as the application sees it."""
    transport = httpx.ASGITransport(Forwarded(tell_address, TrustedProxies.parse(proxies)), client=(peer, 1234))
    async with httpx.AsyncClient(transport=transport, base_url="http://inside:8080") as client:
        return (await client.get("/", headers=headers)).text


async def address(**headers: str) -> str:
    return (await seen("127.0.0.1", USUAL, headers)).partition(" at ")[2]


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


@pytest.mark.parametrize(
    ("peer", "proxies"),
    [
        ("127.0.0.1", USUAL),
        ("::1", USUAL),
        ("10.1.2.3", USUAL),
        ("172.18.0.5", USUAL),
        ("192.168.1.1", USUAL),
        ("fd00::7", USUAL),
        ("::ffff:10.1.2.3", USUAL),
        ("198.51.100.9", ["198.51.100.9"]),
        ("198.51.100.9", ["203.0.113.0/24", "198.51.100.0/24"]),
        ("198.51.100.9", ["*"]),
    ],
)
async def test_service_believes_a_trusted_proxy(peer: str, proxies: list[str]) -> None:
    assert await seen(peer, proxies, TOLD) == "192.0.2.7 at https://store.example/"


@pytest.mark.parametrize(
    ("peer", "proxies"),
    [
        ("198.51.100.9", USUAL),
        ("2001:db8::1", USUAL),
        ("172.32.0.1", USUAL),
        ("127.0.0.1", []),
        ("10.1.2.3", ["10.1.2.4", "10.2.0.0/16"]),
        ("somewhere", USUAL),
    ],
)
async def test_service_believes_nobody_else(peer: str, proxies: list[str]) -> None:
    assert await seen(peer, proxies, TOLD) == f"{peer} at http://inside:8080/"


async def test_caller_is_the_first_that_is_no_trusted_proxy() -> None:
    forged = {"X-Forwarded-For": "203.0.113.1, 192.0.2.7, 10.0.0.2"}
    assert (await seen("10.0.0.3", USUAL, forged)).startswith("192.0.2.7 at ")


@pytest.mark.parametrize("proxy", ["proxy.example", "10.0.0.1/8", "10.0.0.0/99", ""])
def test_proxy_that_is_no_network_is_refused(proxy: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^CondaStoreServer\.trusted_proxies: .* write addresses, networks"):
        TrustedProxies.parse([proxy])
