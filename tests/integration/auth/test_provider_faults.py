"""Providers that are away, slow, broken, or answer without end."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse

from conda_store_auth.adapters.oidc_provider import Issuer
from tests.integration.auth.conftest import Logins
from tests.integration.auth.odd_provider import OddProvider, log_in

HTML = {"Accept": "text/html"}
OAUTH_PATHS = ["/token", "/user"]
OIDC_PATHS = ["/token", "/jwks"]


async def without_end() -> AsyncIterator[bytes]:
    for _ in range(10_000):
        yield b" " * 65_536


async def drop_by_drop() -> AsyncIterator[bytes]:
    for _ in range(10_000):
        yield b" "
        await asyncio.sleep(0.05)


GARBAGE: dict[str, Callable[[Request], Response]] = {
    "text": lambda _request: PlainTextResponse("hello"),
    "no JSON": lambda _request: Response(b'{"access_token":', media_type="application/json"),
    "bytes": lambda _request: Response(b"\xff\xfe\x00", media_type="application/json"),
    "list": lambda _request: JSONResponse(["access_token"]),
    "null": lambda _request: JSONResponse(None),
    "empty": lambda _request: Response(b""),
    "deep": lambda _request: Response(b"[" * 500_000, media_type="application/json"),
    "huge": lambda _request: StreamingResponse(without_end(), media_type="application/json"),
    "huge number": lambda _request: Response(
        b'{"access_token": ' + b"9" * 10_000 + b"}", media_type="application/json"
    ),
    "wrong type": lambda _request: JSONResponse({"access_token": {"a": 1}, "login": ["a"], "keys": 7}),
    "compressed": lambda _request: Response(b"x", headers={"Content-Encoding": "gzip"}),
    "redirect": lambda _request: RedirectResponse("http://127.0.0.1:9/"),
    "error": lambda _request: JSONResponse({"error": "invalid_grant", "error_description": "used already"}, 400),
    "error that is none": lambda _request: JSONResponse({"error": {"a": 1}}, 400),
    "failure": lambda _request: PlainTextResponse("Internal Server Error", 500),
    "token with an error status": lambda _request: JSONResponse({"access_token": "a", "token_type": "Bearer"}, 401),
    "nothing there": lambda _request: PlainTextResponse("Not Found", 404),
}


@pytest.mark.parametrize("path", OAUTH_PATHS)
@pytest.mark.parametrize("kind", GARBAGE)
async def test_provider_that_talks_nonsense_lets_nobody_in(
    oauth: Logins, provider: OddProvider, kind: str, path: str
) -> None:
    provider.answers[path] = GARBAGE[kind]
    async with oauth.browser() as browser:
        answer = await log_in(browser, provider)
        assert "conda-store-auth" not in browser.cookies
    assert (answer.status_code, answer.json()["message"]) == (403, "Invalid authentication credentials")


@pytest.mark.parametrize("path", OIDC_PATHS)
@pytest.mark.parametrize("kind", GARBAGE)
async def test_issuer_that_talks_nonsense_lets_nobody_in(
    oidc: Logins, provider: OddProvider, kind: str, path: str
) -> None:
    provider.answers[path] = GARBAGE[kind]
    async with oidc.browser() as browser:
        answer = await log_in(browser, provider)
    assert (answer.status_code, answer.json()["message"]) == (403, "Invalid authentication credentials")


@pytest.mark.parametrize("kind", GARBAGE)
async def test_issuer_that_publishes_nonsense_gets_nobody(oidc: Logins, provider: OddProvider, kind: str) -> None:
    provider.answers["/.well-known/openid-configuration"] = GARBAGE[kind]
    async with oidc.browser() as browser:
        answer = await browser.get("/login/")
        del provider.answers["/.well-known/openid-configuration"]
        assert (await log_in(browser, provider)).status_code == 200
    assert answer.status_code == 403


async def test_person_is_told_what_the_provider_said(oauth: Logins, provider: OddProvider) -> None:
    provider.answers["/token"] = GARBAGE["error"]
    async with oauth.browser() as browser:
        answer = await log_in(browser, provider, **HTML)
    assert answer.status_code == 403
    assert "Odd says invalid_grant: used already" in answer.text


async def test_error_that_comes_as_success_is_one(oauth: Logins, provider: OddProvider) -> None:
    """As GitHub tells them."""
    told = {"error": "bad_verification_code", "error_description": "The code is incorrect or expired."}
    provider.answers["/token"] = lambda _request: JSONResponse(told)
    async with oauth.browser() as browser:
        answer = await log_in(browser, provider, **HTML)
    assert answer.status_code == 403
    assert "Odd says bad_verification_code: The code is incorrect or expired." in answer.text


@pytest.mark.parametrize("status", [502, 503, 504])
@pytest.mark.parametrize("path", OAUTH_PATHS)
async def test_gateway_that_finds_no_provider_is_an_outage(
    oauth: Logins, provider: OddProvider, path: str, status: int
) -> None:
    provider.answers[path] = lambda _request: PlainTextResponse("no upstream", status)
    async with oauth.browser() as browser:
        answer = await log_in(browser, provider, **HTML)
    assert answer.status_code == 503
    assert "Odd is not available; please try again in a moment" in answer.text
    assert answer.headers["Retry-After"]


@pytest.mark.parametrize("path", ["/token", "/jwks", "/.well-known/openid-configuration"])
async def test_provider_that_answers_drop_by_drop_is_given_up(oidc: Logins, provider: OddProvider, path: str) -> None:
    provider.answers[path] = lambda _request: StreamingResponse(drop_by_drop(), media_type="application/json")
    async with oidc.configured(timeout=1.0).browser() as browser:
        begun = await browser.get("/login/", headers=HTML)
        answer = begun
        if begun.status_code == 307:
            brought = provider.send_back(begun.headers["Location"])
            answer = await browser.get("/oauth_callback/", params=brought, headers=HTML)
    assert answer.status_code == 503
    assert "Odd does not answer; please try again in a moment" in answer.text


async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def speak_another_protocol(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.example ESMTP\r\n" * 10)
    await reader.read()
    writer.close()


@pytest.mark.parametrize("listener", [hang_up, say_nothing, speak_another_protocol])
async def test_provider_that_is_no_web_server_is_an_outage(oidc: Logins, listener: Any) -> None:
    server = await asyncio.start_server(listener, "127.0.0.1", 0)
    async with server:
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        place = Issuer(issuer=address)
        async with oidc.configured(place=place, timeout=1.0).browser() as browser:
            answer = await browser.get("/login/")
    assert (answer.status_code, answer.json()["status"]) == (503, "error")


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "http://nowhere.invalid", "https://127.0.0.1:9"])
async def test_provider_that_is_away_is_an_outage(oidc: Logins, address: str) -> None:
    place = Issuer(issuer=address)
    async with oidc.configured(place=place).browser() as browser:
        answer = await browser.get("/login/")
    assert (answer.status_code, answer.json()["message"]) == (503, "Odd does not answer; please try again in a moment")
