"""Logging in at a provider that behaves."""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from starlette.requests import Request

from conda_store_auth.adapters.oauth_provider import Endpoints
from conda_store_auth.adapters.oidc_provider import Issuer
from conda_store_auth.domain.login_rules import LoginRules
from tests.integration.auth.conftest import BASE_URL, Logins
from tests.integration.auth.odd_provider import CLIENT_ID, CLIENT_SECRET, OddProvider, log_in

COOKIE = "conda-store-auth"


async def told(browser: httpx.AsyncClient) -> dict[str, Any]:
    """Who the browser is known as."""
    data: dict[str, Any] = (await browser.get("/api/v1/permission/")).json()["data"]
    return data


async def test_person_logs_in_and_owns_the_namespace_of_their_name(logins: Logins, provider: OddProvider) -> None:
    async with logins.browser() as browser:
        page = await log_in(browser, provider, next_page="/ui/environments")
        known = await told(browser)
    assert page.status_code == 200
    assert 'window.location = "/ui/environments";' in page.text
    assert (known["authenticated"], known["primary_namespace"]) == (True, "alice")
    roles = {"default/*": ["viewer"], "filesystem/*": ["viewer"], "alice/*": ["admin"]}
    assert known["entity_roles"] == roles


async def test_browser_is_sent_to_the_provider_with_what_it_needs(oauth: Logins, provider: OddProvider) -> None:
    async with oauth.browser() as browser:
        answer = await browser.get("/login/")
    page, query = answer.headers["Location"].split("?")
    asked = {name: values[0] for name, values in parse_qs(query).items()}
    assert (answer.status_code, page) == (307, f"{provider.url}/authorize")
    assert asked.pop("state")
    assert len(asked.pop("code_challenge")) == 43
    assert asked == {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": f"{BASE_URL}/oauth_callback/",
        "scope": "profile",
        "code_challenge_method": "S256",
    }


async def test_code_is_exchanged_by_a_form_with_the_secret(oauth: Logins, provider: OddProvider) -> None:
    async with oauth.browser() as browser:
        assert (await log_in(browser, provider)).status_code == 200
    [form] = provider.forms
    assert len(form.pop("code_verifier")) == 43
    assert form == {
        "grant_type": "authorization_code",
        "code": "code-1",
        "redirect_uri": f"{BASE_URL}/oauth_callback/",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
    }


async def test_provider_that_refuses_what_it_does_not_know_is_sent_no_challenge(
    logins: Logins, provider: OddProvider
) -> None:
    async with logins.configured(pkce=False).browser() as browser:
        assert (await log_in(browser, provider)).status_code == 200
    assert "code_challenge" not in provider.login
    assert "code_verifier" not in provider.forms[0]


@pytest.mark.parametrize("name", ["café", "a b", "", "..", "a/b", "*", "x" * 300, "default", "filesystem", "a\nb"])
async def test_person_whose_name_can_be_no_namespace_is_told_so(
    logins: Logins, provider: OddProvider, name: str
) -> None:
    provider.user["login"] = name
    provider.claims["preferred_username"] = name
    async with logins.browser() as browser:
        answer = await log_in(browser, provider)
        assert (await told(browser))["authenticated"] is False
    assert answer.status_code == 403
    assert "name" in answer.json()["message"] or name == ""


@pytest.mark.parametrize("name", [None, 7, ["alice"], {"name": "alice"}, True])
async def test_provider_that_tells_no_name_lets_nobody_in(logins: Logins, provider: OddProvider, name: object) -> None:
    provider.user["login"] = name
    provider.claims["preferred_username"] = name
    async with logins.browser() as browser:
        answer = await log_in(browser, provider)
    assert (answer.status_code, answer.json()["message"]) == (403, "Invalid authentication credentials")


async def test_roles_follow_configuration_and_groups_at_each_login(oidc: Logins, provider: OddProvider) -> None:
    rules = LoginRules(
        everybody={"{username}-*/*": ["admin"], "shared/*": ["viewer"]},
        by_user={"alice": {"*/*": ["viewer"]}},
        by_group={"devs": {"shared/*": ["developer"]}, "ops": {"ops/*": ["admin"]}},
    )
    own = oidc.configured(rules=rules, place=Issuer(issuer=provider.url))
    seen = []
    async with own.browser() as browser:
        for groups in (["devs", "unknown", 7], ["ops"], "ops", None):
            provider.claims["groups"] = groups
            assert (await log_in(browser, provider)).status_code == 200
            seen.append((await told(browser))["entity_roles"])
    usual = {"default/*": ["viewer"], "filesystem/*": ["viewer"], "alice-*/*": ["admin"], "*/*": ["viewer"]}
    assert seen == [
        {**usual, "shared/*": ["developer", "viewer"]},
        {**usual, "shared/*": ["viewer"], "ops/*": ["admin"]},
        {**usual, "shared/*": ["viewer"]},
        {**usual, "shared/*": ["viewer"]},
    ]


@pytest.mark.parametrize(
    ("users", "groups", "status"),
    [
        ({"bob"}, set(), 403),
        ({"alice"}, set(), 200),
        (set(), {"ops"}, 403),
        (set(), {"devs"}, 200),
        ({"bob"}, {"devs"}, 200),
    ],
)
async def test_only_those_named_may_log_in_where_some_are_named(
    oauth: Logins, provider: OddProvider, users: set[str], groups: set[str], status: int
) -> None:
    provider.user["teams"] = ["devs"]
    assert isinstance(oauth.options.place, Endpoints)
    place = replace(oauth.options.place, groups_key="teams")
    own = oauth.configured(rules=LoginRules(allowed_users=users, allowed_groups=groups), place=place)
    async with own.browser() as browser:
        assert (await log_in(browser, provider)).status_code == status


async def test_roles_that_fit_into_no_cookie_are_an_error_not_a_lost_login(
    oauth: Logins, provider: OddProvider
) -> None:
    rules = LoginRules(everybody={f"namespace-{number}/*": ["admin"] for number in range(200)})
    async with oauth.configured(rules=rules).browser() as browser:
        answer = await log_in(browser, provider)
    assert (answer.status_code, "no browser keeps" in answer.json()["message"]) == (403, True)


def own_address(request: Request) -> str:
    return f"https://{request.headers['host']}/elsewhere/oauth_callback/"


@pytest.mark.parametrize(
    ("configured", "sent"),
    [
        ("/conda-store/oauth_callback/", "/conda-store/oauth_callback/"),
        ("https://public.example/oauth_callback/", "https://public.example/oauth_callback/"),
        (own_address, "https://conda-store.example/elsewhere/oauth_callback/"),
    ],
)
async def test_configured_callback_address_is_sent_as_it_is_both_times(
    logins: Logins, provider: OddProvider, configured: Any, sent: str
) -> None:
    async with logins.configured(callback_url=configured).browser() as browser:
        assert (await log_in(browser, provider)).status_code == 200
    assert provider.login["redirect_uri"] == provider.forms[0]["redirect_uri"] == sent


async def test_callback_address_is_below_the_prefix(logins: Logins, provider: OddProvider) -> None:
    async with logins.browser(base_url="https://conda-store.example", prefix="/store") as browser:
        begun = await browser.get("/store/login?next=/store/ui/")
        brought = provider.send_back(begun.headers["Location"])
        page = await browser.get("/store/oauth_callback", params=brought)
    assert provider.login["redirect_uri"] == "https://conda-store.example/store/oauth_callback/"
    assert (page.status_code, '"/store/ui/"' in page.text) == (200, True)


async def test_cookies_go_over_https_alone_when_they_came_so(logins: Logins, provider: OddProvider) -> None:
    async with logins.browser(base_url="https://conda-store.example") as browser:
        begun = await browser.get("/login/")
        page = await browser.get("/oauth_callback/", params=provider.send_back(begun.headers["Location"]))
    [state] = begun.headers.get_list("set-cookie")
    assert state.startswith("__Host-session-")
    assert all(word in state.lower() for word in ("; secure", "; httponly", "; samesite=lax", "; path=/"))
    token = next(line for line in page.headers.get_list("set-cookie") if line.startswith(f"{COOKIE}="))
    assert all(word in token.lower() for word in ("; secure", "; httponly", "; samesite=strict", "; max-age=86"))


async def test_page_of_the_callback_tells_nothing_to_other_sites(logins: Logins, provider: OddProvider) -> None:
    async with logins.browser() as browser:
        page = await log_in(browser, provider)
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    nonce = page.text.split('<script nonce="')[1].split('"')[0]
    assert f"script-src 'nonce-{nonce}'" in page.headers["Content-Security-Policy"]


async def test_login_by_password_is_no_way_in(logins: Logins) -> None:
    async with logins.browser() as browser:
        answer = await browser.post("/login/", json={"username": "alice", "password": "password"})
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")


async def test_whoever_logged_out_is_shown_a_button_not_sent_to_the_provider(logins: Logins) -> None:
    async with logins.browser() as browser:
        answer = await browser.post("/logout/?next=/login/?signed_out=1")
        page = await browser.get(answer.headers["Location"])
    assert (answer.status_code, page.status_code) == (303, 200)
    assert "You are logged out." in page.text
    assert "Sign in with Odd" in page.text


async def test_documents_of_the_issuer_are_asked_for_once(oidc: Logins, provider: OddProvider) -> None:
    async with oidc.browser() as browser:
        for _ in range(3):
            assert (await log_in(browser, provider)).status_code == 200
    assert provider.asked.count("/.well-known/openid-configuration") == 1
    assert provider.asked.count("/jwks") == 1
    assert "/user" not in provider.asked
    assert urlsplit(provider.url).scheme == "http"
