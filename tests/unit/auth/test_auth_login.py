"""Logging in and out as a browser does it."""

import re
from datetime import datetime, timedelta
from http.cookies import Morsel, SimpleCookie
from typing import Any

import httpx
import pytest

from conda_store_auth.adapters.dummy_provider import OpenProvider
from conda_store_auth.routes.login import PasswordLogin

ALICE = {"username": "alice", "password": "password"}


def cookie_of(answer: httpx.Response, name: str = "conda-store-auth") -> "Morsel[str]":
    cookies: SimpleCookie = SimpleCookie()
    for line in answer.headers.get_list("set-cookie"):
        cookies.load(line)
    return cookies[name]


async def test_visitor_gets_a_page_that_fetches_nothing_and_runs_only_its_own_script(auth: Any) -> None:
    async with auth.client() as browser:
        page = await browser.get("/login/")
        again = await browser.get("/login/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert not re.search(r"""(src|href)=|@import|url\(""", page.text)
    [nonce] = set(re.findall(r'nonce="([^"]+)"', page.text))
    assert f"script-src 'nonce-{nonce}'" in page.headers["Content-Security-Policy"]
    assert nonce not in again.text


async def test_page_posts_below_the_prefix(auth: Any) -> None:
    async with auth.client(url_prefix="/conda-store/") as browser:
        page = await browser.get("/conda-store/login")
        answer = await browser.post("/conda-store/login/", json=ALICE)
    assert 'action="/conda-store/login/"' in page.text
    assert answer.json()["data"]["redirect_url"] == "http://conda-store.example/"


async def test_operators_own_form_stands_in_the_page(auth: Any) -> None:
    template = "<form action=\"{{ url_for('post_login_method') }}\"><script>1</script></form>"
    async with auth.client(login_html=template) as browser:
        page = await browser.get("/login/")
    assert '<form action="/login/"><script>1</script></form>' in page.text
    assert "script-src 'unsafe-inline'" in page.headers["Content-Security-Policy"]


async def test_person_logs_in_and_is_known(auth: Any, now: datetime) -> None:
    async with auth.client() as browser:
        answer = await browser.post("/login/", json=ALICE)
        known = (await browser.get("/api/v1/permission/")).json()["data"]
    assert answer.json() == {"status": "ok", "data": {"redirect_url": "http://conda-store.example/"}}
    assert (known["authenticated"], known["primary_namespace"]) == (True, "alice")
    assert known["entity_roles"]["*/*"] == ["admin"]
    assert known["expiration"] == (now + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


async def test_cookie_is_out_of_reach_of_scripts_and_of_other_sites(auth: Any) -> None:
    async with auth.client() as browser:
        cookie = cookie_of(await browser.post("/login/", json=ALICE))
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "strict", "/")
    assert (cookie["max-age"], cookie["domain"], cookie["secure"]) == ("86400", "", "")


async def test_cookie_goes_over_https_alone_when_it_came_so_and_to_the_named_domain(auth: Any) -> None:
    async with auth.client(base_url="https://conda-store.example", cookie_domain="example") as browser:
        cookie = cookie_of(await browser.post("/login/", json=ALICE))
    assert (cookie["secure"], cookie["domain"]) == (True, "example")


async def test_every_token_has_an_id_of_its_own(auth: Any, now: datetime) -> None:
    ids = set()
    async with auth.client() as browser:
        for _ in range(2):
            token = cookie_of(await browser.post("/login/", json=ALICE)).value
            ids.add(auth.authenticator.signer.verify(token, now).token_id)
    assert len(ids) == 2
    assert None not in ids


async def test_token_of_a_login_is_recorded_but_not_its_text(auth: Any, now: datetime) -> None:
    async with auth.client() as browser:
        token = cookie_of(await browser.post("/login/", json=ALICE)).value
    [row] = await auth.recorded()
    assert row.id == auth.authenticator.signer.verify(token, now).token_id
    assert (row.kind, row.name, row.primary_namespace) == ("login", None, "alice")
    assert (row.created_on, row.expires_on) == (
        now.replace(tzinfo=None),
        (now + timedelta(days=1)).replace(tzinfo=None),
    )
    assert (row.last_used_on, row.revoked_on) == (None, None)


@pytest.mark.parametrize("password", ["", "Password", "password ", "pässword", "\u0000", "x" * 100_000])
async def test_wrong_password_is_refused(auth: Any, password: str) -> None:
    async with auth.client() as browser:
        answer = await browser.post("/login/", json={"username": "alice", "password": password})
    assert (answer.status_code, answer.json()) == (
        403,
        {"status": "error", "message": "Invalid authentication credentials"},
    )
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("password", ["", "anything"])
async def test_any_password_will_do_when_none_is_set(auth: Any, password: str) -> None:
    async with auth.client(password="") as browser:
        answer = await browser.post("/login/", json={"username": "alice", "password": password})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"username=alice&password=password", b"[]", b"{}", b'{"username": 7}', b'{"username": null}', b"\xff"],
)
async def test_body_without_a_name_is_refused(auth: Any, body: bytes) -> None:
    async with auth.client() as browser:
        answer = await browser.post("/login/", content=body)
    assert (answer.status_code, answer.json()["status"]) == (400, "error")


async def test_form_of_another_page_cannot_log_a_browser_in(auth: Any) -> None:
    async with auth.client() as browser:
        form = await browser.post("/login/", data=ALICE)
        text = await browser.post("/login/", content=b'{"username":"a"}', headers={"Content-Type": "text/plain"})
    assert (form.status_code, text.status_code) == (400, 400)


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "a/b", "a b", "a\u0000", "a\n", "x" * 256, "é", "*", "\\"])
async def test_name_that_can_be_no_namespace_is_refused(auth: Any, name: str) -> None:
    async with auth.client() as browser:
        answer = await browser.post("/login/", json={"username": name, "password": "password"})
    assert (answer.status_code, answer.json()["status"]) == (400, "error")


@pytest.mark.parametrize("name", ["alice@example.org", "a.b-c_d+e", "x" * 255])
async def test_name_that_can_be_a_namespace_is_taken(auth: Any, name: str) -> None:
    async with auth.client() as browser:
        answer = await browser.post("/login/", json={"username": name, "password": "password"})
    assert answer.status_code == 200


async def test_person_goes_back_to_where_they_came_from_once(auth: Any) -> None:
    async with auth.client() as browser:
        page = await browser.get("/login/?next=/ui/environments")
        first = await browser.post("/login/", json=ALICE)
        second = await browser.post("/login/", json=ALICE)
    session = cookie_of(page, "session")
    assert (session["httponly"], session["samesite"], session["max-age"]) == (True, "lax", "1209600")
    assert first.json()["data"]["redirect_url"] == "/ui/environments"
    assert second.json()["data"]["redirect_url"] == "http://conda-store.example/"


async def test_page_of_the_query_goes_before_the_remembered_one(auth: Any) -> None:
    async with auth.client() as browser:
        await browser.get("/login/?next=/remembered")
        answer = await browser.post("/login/?next=/asked", json=ALICE)
    assert answer.json()["data"]["redirect_url"] == "/asked"


async def test_wrong_password_does_not_forget_where_to_go(auth: Any) -> None:
    async with auth.client() as browser:
        await browser.get("/login/?next=/remembered")
        await browser.post("/login/", json={**ALICE, "password": "wrong"})
        answer = await browser.post("/login/", json=ALICE)
    assert answer.json()["data"]["redirect_url"] == "/remembered"


async def test_later_visit_without_next_forgets_the_earlier_one(auth: Any) -> None:
    async with auth.client() as browser:
        await browser.get("/login/?next=/remembered")
        await browser.get("/login/")
        answer = await browser.post("/login/", json=ALICE)
    assert answer.json()["data"]["redirect_url"] == "http://conda-store.example/"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/%5Cevil.example", "javascript:1"])
async def test_nobody_is_sent_to_another_server(auth: Any, elsewhere: str) -> None:
    async with auth.client() as browser:
        await browser.get(f"/login/?next={elsewhere}")
        remembered = await browser.post("/login/", json=ALICE)
        asked = await browser.post(f"/login/?next={elsewhere}", json=ALICE)
        left = await browser.post(f"/logout/?next={elsewhere}")
    home = "http://conda-store.example/"
    assert remembered.json()["data"]["redirect_url"] == asked.json()["data"]["redirect_url"] == home
    assert left.headers["Location"] == home


@pytest.mark.parametrize("session", ["rubbish", "", "bnVsbA==.x.y", "e30=.aaaa.bbbb", "x" * 5000])
async def test_session_somebody_else_made_is_ignored(auth: Any, session: str) -> None:
    async with auth.client() as browser:
        answer = await browser.post("/login/", json=ALICE, headers={"Cookie": f"session={session}"})
    assert answer.json()["data"]["redirect_url"] == "http://conda-store.example/"


@pytest.mark.parametrize("host", ["[", "a b", "evil\"'<>", "", ":", "a:b:c", "a" * 5000])
async def test_odd_host_is_answered(auth: Any, host: str) -> None:
    async with auth.client(base_url="http://conda-store.example:8080") as browser:
        for answer in (
            await browser.get("/login/?next=/x", headers={"Host": host}),
            await browser.post("/login/", json=ALICE, headers={"Host": host}),
            await browser.post("/logout/", headers={"Host": host}),
        ):
            assert answer.status_code in (200, 303)


async def test_person_logs_out(auth: Any) -> None:
    async with auth.client() as browser:
        await browser.post("/login/", json=ALICE)
        answer = await browser.post("/logout/?next=/ui/")
        known = (await browser.get("/api/v1/permission/")).json()["data"]
    assert (answer.status_code, answer.headers["Location"]) == (303, "/ui/")
    cookie = cookie_of(answer)
    assert (cookie.value, cookie["max-age"], cookie["path"]) == ("", "0", "/")
    assert known["authenticated"] is False


async def test_link_cannot_log_anybody_out(auth: Any) -> None:
    async with auth.client() as browser:
        answer = await browser.get("/logout/")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://other.example", "Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", ["/login/", "/logout/"])
async def test_page_of_another_site_logs_nobody_in_or_out(auth: Any, path: str, headers: dict[str, str]) -> None:
    async with auth.client() as browser:
        answer = await browser.post(path, json=ALICE, headers=headers)
    assert (answer.status_code, answer.json()["status"]) == (403, "error")
    assert "set-cookie" not in answer.headers


async def test_page_tells_who_is_logged_in_and_lets_them_out(auth: Any) -> None:
    async with auth.client() as browser:
        await browser.post("/login/", json=ALICE)
        page = await browser.get("/login/?next=/ui/")
        left = await browser.post("/logout/?next=/login/?signed_out=1")
        last = await browser.get(left.headers["Location"])
    assert "You are logged in as <strong>alice</strong>." in page.text
    assert 'href="/ui/">Continue' in page.text
    assert 'action="/logout/?next=/login/%3Fsigned_out%3D1"' in page.text
    assert "You are logged out." in last.text
    assert "alice" not in last.text


async def test_visitor_of_an_open_server_has_nothing_to_type(auth: Any) -> None:
    async with auth.client(login=PasswordLogin(OpenProvider())) as browser:
        page = await browser.get("/login/")
        answer = await browser.post("/login/")
        known = (await browser.get("/api/v1/permission/")).json()["data"]
    assert "<input" not in page.text
    assert answer.json() == {"status": "ok", "data": {"redirect_url": "http://conda-store.example/"}}
    assert (known["primary_namespace"], known["entity_roles"]["*/*"]) == ("default", ["admin"])


async def test_session_goes_over_https_alone_when_it_came_so(auth: Any) -> None:
    async with auth.client(base_url="https://conda-store.example") as browser:
        secure = cookie_of(await browser.get("/login/?next=/x"), "session")
    async with auth.client() as browser:
        plain = cookie_of(await browser.get("/login/?next=/x"), "session")
    assert (secure["secure"], plain["secure"]) == (True, "")


@pytest.mark.parametrize("path", ["/oauth_callback/", "/oauth_callback?code=a&state=b"])
async def test_nobody_comes_back_from_a_provider_where_there_is_none(auth: Any, path: str) -> None:
    async with auth.client() as browser:
        answer = await browser.get(path)
    assert (answer.status_code, answer.json()["status"]) == (404, "error")
