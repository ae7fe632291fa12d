"""The page on which somebody makes a token for the command line."""

import re
from typing import Any

ALICE = {"username": "alice", "password": "password"}


async def test_visitor_logs_in_first_and_comes_back(auth: Any) -> None:
    async with auth.client(url_prefix="/conda-store/") as browser:
        answer = await browser.get("/conda-store/login/token/")
        login = "/conda-store/login/?next=/conda-store/login/token/"
        assert (answer.status_code, answer.headers["Location"]) == (307, login)
        await browser.get(login)
        logged_in = await browser.post("/conda-store/login/", json=ALICE)
        assert logged_in.json()["data"]["redirect_url"] == "/conda-store/login/token/"


async def test_page_names_who_is_logged_in_and_posts_below_the_prefix(auth: Any) -> None:
    async with auth.client(url_prefix="/conda-store/") as browser:
        await browser.post("/conda-store/login/", json=ALICE)
        page = await browser.get("/conda-store/login/token/")
        made = await browser.post("/conda-store/api/v1/token/", json={"name": "command line"})
    assert page.status_code == 200
    assert "logged in as <strong>alice</strong>" in page.text
    assert 'action="/conda-store/api/v1/token/"' in page.text
    assert made.json()["data"]["token"].count(".") == 2


async def test_page_is_kept_by_nobody_and_runs_only_its_own_script(auth: Any) -> None:
    async with auth.client() as browser:
        await browser.post("/login/", json=ALICE)
        page = await browser.get("/login/token/")
    assert page.headers["Cache-Control"] == "no-store"
    [nonce] = set(re.findall(r'nonce="([^"]+)"', page.text))
    assert f"script-src 'nonce-{nonce}'" in page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
