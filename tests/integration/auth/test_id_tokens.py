"""Id tokens that were not made by the issuer, for us, for this login, now."""

import base64
import hmac
import json
import time
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from conda_store_auth.adapters.oidc_provider import Issuer
from tests.integration.auth.conftest import Logins
from tests.integration.auth.odd_provider import CLIENT_ID, CLIENT_SECRET, OddProvider, log_in, signing_key

REFUSED = (403, "Invalid authentication credentials")


async def outcome(oidc: Logins, provider: OddProvider) -> tuple[int, str]:
    """Status and message of a login."""
    async with oidc.browser() as browser:
        answer = await log_in(browser, provider)
        assert ("conda-store-auth" in browser.cookies) is (answer.status_code == 200)
    return answer.status_code, "" if answer.status_code == 200 else answer.json()["message"]


def giving(id_token: object) -> Any:
    """An answer of the token endpoint with that id token."""

    def answer(_request: Request) -> Response:
        return JSONResponse({"access_token": "a", "token_type": "Bearer", "id_token": id_token})

    return answer


def unsigned(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"iss": ["http://127.0.0.1"]},
        {"aud": "another client"},
        {"aud": ["another client"]},
        {"aud": [CLIENT_ID, "another client"]},
        {"aud": [CLIENT_ID, "another client"], "azp": "another client"},
        {"aud": CLIENT_ID, "azp": "another client"},
        {"aud": None},
        {"aud": {CLIENT_ID: 1}},
        {"nonce": "of another login"},
        {"nonce": None},
        {"nonce": [1]},
        {"exp": int(time.time()) - 3600},
        {"exp": None},
        {"exp": "soon"},
        {"exp": True},
        {"exp": 10**400},
        {"iat": None},
        {"iat": int(time.time()) + 3600},
        {"nbf": int(time.time()) + 3600},
        {"nbf": "later"},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
    ],
)
async def test_token_that_is_not_for_this_login_lets_nobody_in(
    oidc: Logins, provider: OddProvider, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    assert await outcome(oidc, provider) == REFUSED


@pytest.mark.parametrize("claims", [{"aud": [CLIENT_ID]}, {"aud": [CLIENT_ID, "other"], "azp": CLIENT_ID}, {"nbf": 0}])
async def test_token_that_says_the_same_in_other_words_is_taken(
    oidc: Logins, provider: OddProvider, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    assert (await outcome(oidc, provider))[0] == 200


async def test_token_without_a_signature_lets_nobody_in(oidc: Logins, provider: OddProvider) -> None:
    claims = {"iss": provider.url, "aud": CLIENT_ID, "sub": "1", "preferred_username": "alice"}
    for header in ({"alg": "none"}, {"alg": "None"}, {"alg": "RS256", "kid": "first"}, {}, {"alg": ["RS256"]}):
        for signature in (b"", b"x"):
            provider.answers["/token"] = giving(unsigned(header, claims, signature))
            assert await outcome(oidc, provider) == REFUSED


async def test_token_signed_with_what_others_know_lets_nobody_in(oidc: Logins, provider: OddProvider) -> None:
    public = json.dumps(provider.key.as_dict(private=False)).encode()
    for secret in (CLIENT_SECRET.encode(), public, provider.key.as_pem(private=False)):
        claims = {"iss": provider.url, "aud": CLIENT_ID, "sub": "1", "preferred_username": "root"}
        told = unsigned({"alg": "HS256", "kid": "first"}, claims).rpartition(".")[0]
        signature = base64.urlsafe_b64encode(hmac.digest(secret, told.encode(), "sha256")).rstrip(b"=").decode()
        provider.answers["/token"] = giving(f"{told}.{signature}")
        assert await outcome(oidc, provider) == REFUSED


@pytest.mark.parametrize("extra", ["jwk", "jku", "x5c", "crit"])
async def test_token_that_brings_its_own_key_lets_nobody_in(oidc: Logins, provider: OddProvider, extra: str) -> None:
    foreign = signing_key("foreign")
    values = {
        "jwk": foreign.as_dict(private=False),
        "jku": f"{provider.url}/jwks",
        "x5c": ["MIIB"],
        "crit": ["exp"],
    }
    provider.key, provider.published = foreign, [signing_key("first")]
    for kid in ("first", "foreign"):
        provider.header = {"kid": kid, extra: values[extra]}
        claims = {"sub": "1", "iss": provider.url, "aud": CLIENT_ID}
        header = unsigned({"alg": "RS256", **provider.header}, claims).rsplit(".", 1)[0]
        provider.answers["/token"] = giving(f"{header}.{base64.urlsafe_b64encode(b'x' * 256).decode().rstrip('=')}")
        assert await outcome(oidc, provider) == REFUSED


@pytest.mark.parametrize(
    "text", [None, 7, [], {}, "", ".", "..", "a.b.c", "a" * 300_000, "é.é.é", "eyJ9.eyJ9.eyJ9", "[" * 50_000]
)
async def test_token_that_is_none_lets_nobody_in(oidc: Logins, provider: OddProvider, text: object) -> None:
    provider.answers["/token"] = giving(text)
    assert await outcome(oidc, provider) == REFUSED


async def test_claims_nested_without_end_let_nobody_in(oidc: Logins, provider: OddProvider) -> None:
    parts = [base64.urlsafe_b64encode(b).rstrip(b"=").decode() for b in (b'{"alg":"RS256"}', b"[" * 90_000, b"x")]
    provider.answers["/token"] = giving(".".join(parts))
    assert await outcome(oidc, provider) == REFUSED


async def test_provider_that_changed_its_keys_is_believed(oidc: Logins, provider: OddProvider) -> None:
    async with oidc.browser() as browser:
        assert (await log_in(browser, provider)).status_code == 200
        provider.key = signing_key("second")
        provider.published = [signing_key("first"), provider.key]
        assert (await log_in(browser, provider)).status_code == 200
        assert (await log_in(browser, provider)).status_code == 200
    assert provider.asked.count("/jwks") == 2


async def test_key_the_provider_withdrew_counts_no_more_once_it_is_known(oidc: Logins, provider: OddProvider) -> None:
    async with oidc.browser() as browser:
        provider.published, provider.key = [signing_key("second")], signing_key("second")
        assert (await log_in(browser, provider)).status_code == 200
        provider.key = signing_key("first")
        assert (await log_in(browser, provider)).status_code == 403


async def test_keys_that_cannot_be_read_do_not_spoil_the_others(oidc: Logins, provider: OddProvider) -> None:
    usable = provider.key.as_dict(private=False)
    odd: list[Any] = [7, None, {}, {"kty": "new"}, {"kty": "RSA", "n": "!", "e": 1}, {"kty": "EC", "crv": "P-0"}]
    provider.answers["/jwks"] = lambda _request: JSONResponse({"keys": [*odd, usable]})
    assert (await outcome(oidc, provider))[0] == 200
    provider.answers["/jwks"] = lambda _request: JSONResponse({"keys": odd})


@pytest.mark.parametrize(
    "keys", [{}, {"keys": []}, {"keys": None}, {"keys": {"a": 1}}, {"keys": [{"kty": "oct", "k": ""}]}]
)
async def test_provider_without_keys_lets_nobody_in(oidc: Logins, provider: OddProvider, keys: dict[str, Any]) -> None:
    provider.answers["/jwks"] = lambda _request: JSONResponse(keys)
    assert await outcome(oidc, provider) == REFUSED


async def test_answer_of_another_issuer_lets_nobody_in(oidc: Logins, provider: OddProvider) -> None:
    async with oidc.browser() as browser:
        brought = provider.send_back((await browser.get("/login/")).headers["Location"])
        answer = await browser.get("/oauth_callback/", params={**brought, "iss": "https://evil.example"})
        assert (answer.status_code, provider.forms) == (403, [])
        brought = provider.send_back((await browser.get("/login/")).headers["Location"])
        answer = await browser.get("/oauth_callback/", params={**brought, "iss": provider.url})
        assert answer.status_code == 200


async def test_configuration_of_another_issuer_lets_nobody_in(oidc: Logins, provider: OddProvider) -> None:
    provider.answers["/.well-known/openid-configuration"] = lambda _request: JSONResponse({"issuer": "https://evil"})
    async with oidc.browser() as browser:
        answer = await browser.get("/login/")
        page = await browser.get("/login/", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.json()["message"]) == REFUSED
    assert "the provider calls itself &#39;https://evil&#39;" in page.text


async def test_claims_that_are_told_separately_are_those_of_the_same_person(
    oidc: Logins, provider: OddProvider
) -> None:
    provider.claims = {"preferred_username": None}
    provider.user = {"sub": "1", "preferred_username": "alice"}
    assert (await outcome(oidc, provider))[0] == 200
    provider.user = {"sub": "2", "preferred_username": "root"}
    assert await outcome(oidc, provider) == REFUSED
    provider.user = {"preferred_username": "root"}
    assert await outcome(oidc, provider) == REFUSED


async def test_address_nobody_verified_is_no_name(oidc: Logins, provider: OddProvider) -> None:
    place = Issuer(issuer=provider.url, username_claim="email", groups_claim="")
    own = oidc.configured(place=place)
    provider.claims = {"email": "alice@example.org", "email_verified": False}
    assert await outcome(own, provider) == REFUSED
    provider.claims["email_verified"] = True
    assert (await outcome(own, provider))[0] == 200
