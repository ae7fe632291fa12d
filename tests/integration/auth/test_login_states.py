"""Logins that end elsewhere than they began, twice, or side by side."""

from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest

from tests.integration.auth.conftest import Logins
from tests.integration.auth.odd_provider import OddProvider, log_in

MISMATCH = {"status": "error", "message": "OAuth states do not match"}
REFUSED = {"status": "error", "message": "Invalid authentication credentials"}


async def begin(browser: httpx.AsyncClient, provider: OddProvider, **query: str) -> dict[str, str]:
    """Begin to log in; what the browser is to bring back."""
    return provider.send_back((await browser.get("/login/", params=query)).headers["Location"])


async def finish(browser: httpx.AsyncClient, **brought: str) -> tuple[int, Any]:
    answer = await browser.get("/oauth_callback/", params=brought)
    return answer.status_code, answer.json() if answer.status_code != 200 else answer.text


def is_logged_in(browser: httpx.AsyncClient) -> bool:
    return "conda-store-auth" in browser.cookies


async def test_login_begun_in_one_browser_cannot_be_finished_in_another(logins: Logins, provider: OddProvider) -> None:
    async with logins.browser() as attacker, logins.browser() as victim:
        brought = await begin(attacker, provider)
        assert await finish(victim, **brought) == (401, MISMATCH)
        await begin(victim, provider)
        assert await finish(victim, **brought) == (401, MISMATCH)
        assert not is_logged_in(victim)
    assert provider.forms == []


async def test_login_is_finished_once(logins: Logins, provider: OddProvider) -> None:
    async with logins.browser() as browser:
        brought = await begin(browser, provider)
        assert (await finish(browser, **brought))[0] == 200
        assert await finish(browser, **brought) == (401, MISMATCH)
    assert len(provider.forms) == 1


async def test_login_that_failed_is_over(logins: Logins, provider: OddProvider) -> None:
    async with logins.browser() as browser:
        brought = await begin(browser, provider)
        assert await finish(browser, **{**brought, "code": "another"}) == (403, REFUSED)
        assert await finish(browser, **brought) == (401, MISMATCH)


@pytest.mark.parametrize(
    "state", ["", "x", "é", "\ud800".encode("utf-8", "replace").decode(), "a" * 5000, "../..", "\r\nX: y"]
)
async def test_state_nobody_gave_is_no_login(logins: Logins, provider: OddProvider, state: str) -> None:
    async with logins.browser() as browser:
        await begin(browser, provider)
        assert await finish(browser, code="code-1", state=state) == (401, MISMATCH)
        assert await finish(browser, code="code-1") == (401, MISMATCH)
    assert provider.forms == []


async def test_callback_without_any_login_is_no_login(logins: Logins) -> None:
    async with logins.browser() as browser:
        assert await finish(browser, code="code-1", state="x") == (401, MISMATCH)


async def test_state_a_neighbour_signed_with_another_secret_is_no_login(logins: Logins, provider: OddProvider) -> None:
    async with logins.browser() as browser:
        brought = await begin(browser, provider)
        [(name, value)] = [(each, value) for each, value in browser.cookies.items() if each.startswith("session-")]
        for forged in ("rubbish", "", value[:-2], f"e30.{value.partition('.')[2]}", "x" * 5000):
            browser.cookies.clear()
            answer = await browser.get("/oauth_callback/", params=brought, headers={"Cookie": f"{name}={forged}"})
            assert (answer.status_code, answer.json()) == (401, MISMATCH)


async def test_cookie_of_one_login_does_not_do_for_another(logins: Logins, provider: OddProvider) -> None:
    async with logins.browser() as browser:
        first = await begin(browser, provider)
        [(name, _value)] = browser.cookies.items()
        browser.cookies.clear()
        await begin(browser, provider)
        [(_name, value)] = browser.cookies.items()
        browser.cookies.clear()
        answer = await browser.get("/oauth_callback/", params=first, headers={"Cookie": f"{name}={value}"})
    assert (answer.status_code, answer.json()) == (401, MISMATCH)


async def test_tabs_log_in_side_by_side(logins: Logins, provider: OddProvider) -> None:
    async with logins.browser() as browser:
        begun = [await browser.get("/login/", params={"next": f"/tab-{tab}"}) for tab in range(4)]
        for tab in (2, 0, 3, 1):
            brought = provider.send_back(begun[tab].headers["Location"])
            status, page = await finish(browser, **brought)
            assert (status, f'"/tab-{tab}"' in page) == (200, True)
        assert [name for name in browser.cookies if name.startswith("session-")] == []


async def test_tabs_that_are_opened_at_once_do_not_lose_each_others_login(
    logins: Logins, provider: OddProvider
) -> None:
    async with logins.browser() as browser:
        begun = []
        for _tab in range(3):
            begun.append(await browser.get("/login/"))
            browser.cookies.clear()
        cookies = [answer.headers["set-cookie"].partition(";")[0] for answer in begun]
        for answer in begun:
            brought = provider.send_back(answer.headers["Location"])
            page = await browser.get("/oauth_callback/", params=brought, headers={"Cookie": "; ".join(cookies)})
            assert page.status_code == 200


async def test_logins_that_are_never_finished_make_way(logins: Logins, provider: OddProvider) -> None:
    async with logins.browser() as browser:
        first = await begin(browser, provider)
        for number in range(30):
            brought = await begin(browser, provider, next=f"/{number}/" + "a" * 1000)
            header = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
            assert len(header) < 6000
        assert await finish(browser, **first) == (401, MISMATCH)
        provider.login["state"] = brought["state"]
        assert (await finish(browser, **brought))[0] == 200


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)",
        "data:text/html,x", "/\tx", "/\r\nSet-Cookie: a=b", "https://conda-store.example@evil.example/",
        "https://conda-store.example.evil.example", "http:evil.example", "\u0000/", " /", "/" + "a" * 3000,
    ],
)  # fmt: skip
async def test_nobody_is_sent_to_another_server(logins: Logins, provider: OddProvider, wanted: str) -> None:
    async with logins.browser() as browser:
        remembered = await log_in(browser, provider, next_page=wanted)
        brought = await begin(browser, provider)
        asked = await browser.get("/oauth_callback/", params={**brought, "next": wanted})
    for page in (remembered, asked):
        assert 'window.location = "http://conda-store.example/";' in page.text
        assert "evil" not in page.text
        assert "evil" not in str(page.headers)


@pytest.mark.parametrize("wanted", ["/</script><script>alert(1)</script>", "/\"onload='x'", "/{{7*7}}", "/é?a=b&c=d#e"])
async def test_page_to_go_to_is_text_and_no_markup(logins: Logins, provider: OddProvider, wanted: str) -> None:
    async with logins.browser() as browser:
        page = await log_in(browser, provider, next_page=wanted)
    assert page.status_code == 200
    assert page.text.count("<script") == 1
    assert "onload='" not in page.text
    assert "49" not in page.text.split("<h1>")[1]


async def test_login_lasts_an_hour(logins: Logins, provider: OddProvider) -> None:
    async with logins.browser() as browser:
        begun = await browser.get("/login/")
    cookies: SimpleCookie = SimpleCookie(begun.headers["set-cookie"])
    [morsel] = cookies.values()
    assert (morsel["max-age"], morsel["path"], morsel["samesite"]) == ("3600", "/", "lax")


async def test_person_is_shown_a_page_that_leads_back_to_where_they_wanted(
    logins: Logins, provider: OddProvider
) -> None:
    html = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    async with logins.browser() as browser:
        brought = await begin(browser, provider, next="/ui/a b")
        answer = await browser.get(
            "/oauth_callback/",
            params={"state": brought["state"], "error": "access_denied", "error_description": "<b>no</b>\r\nX: y"},
            headers=html,
        )
        again = await browser.get("/oauth_callback/", params=brought, headers=html)
    assert (answer.status_code, again.status_code) == (403, 401)
    assert "Odd says access_denied: &lt;b&gt;no&lt;/b&gt;  X: y" in answer.text
    assert 'href="/login/?next=/ui/a%20b"' in answer.text or 'href="/login/"' in answer.text
    assert "OAuth states do not match." in again.text
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("query", [{"error": "access_denied"}, {}, {"code": ""}, {"code": "a" * 10_000}])
async def test_provider_that_refuses_logs_nobody_in(
    logins: Logins, provider: OddProvider, query: dict[str, str]
) -> None:
    async with logins.browser() as browser:
        brought = await begin(browser, provider)
        assert await finish(browser, **{"state": brought["state"], **query}) == (403, REFUSED)
        assert not is_logged_in(browser)
    assert provider.forms == []
