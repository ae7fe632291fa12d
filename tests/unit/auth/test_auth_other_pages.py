"""What pages of other sites can make the browser of somebody who is logged in do."""

from typing import Any

import pytest

CROSS_SITE = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
OWN = {"Origin": "http://conda-store.example", "Sec-Fetch-Site": "same-origin"}
ALICE = {"username": "alice", "password": "password"}


@pytest.mark.parametrize(
    "headers", [CROSS_SITE, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "null"}]
)
async def test_cookie_alone_does_not_count_for_a_write_that_another_page_sends(
    auth: Any, headers: dict[str, str]
) -> None:
    async with auth.client() as browser:
        await browser.post("/login/", json=ALICE)
        answer = await browser.post("/api/v1/token/", headers=headers)
        own = await browser.post("/api/v1/token/", headers=OWN)
    assert (answer.status_code, answer.json()["status"]) == (403, "error")
    assert "another site" in answer.json()["message"]
    assert own.status_code == 200


async def test_other_page_may_read_as_far_as_browsers_let_it(auth: Any) -> None:
    async with auth.client() as browser:
        await browser.post("/login/", json=ALICE)
        answer = await browser.get("/api/v1/permission/", headers=CROSS_SITE)
    assert answer.json()["data"]["authenticated"] is True


async def test_token_in_the_header_counts_whoever_sends_it(auth: Any) -> None:
    token = auth.token("bob", {"bob/*": ["admin"]})
    async with auth.client(token=token) as browser:
        alone = await browser.post("/api/v1/token/", headers=CROSS_SITE)
        await browser.post("/login/", json=ALICE)
        beside_a_cookie = await browser.post("/api/v1/token/", headers=CROSS_SITE)
        known = auth.authenticator.signer.verify(beside_a_cookie.json()["data"]["token"], auth.authenticator.clock())
    assert (alone.status_code, beside_a_cookie.status_code) == (200, 200)
    assert known.primary_namespace == "bob"


async def test_stale_cookie_is_no_reason_to_refuse(auth: Any) -> None:
    async with auth.client() as browser:
        answer = await browser.post("/api/v1/token/", headers={**CROSS_SITE, "Cookie": "conda-store-auth=stale"})
    assert answer.json() == {"status": "error", "message": "request not authorized"}


async def test_own_page_below_a_prefix_may_write(auth: Any) -> None:
    async with auth.client(url_prefix="/conda-store", base_url="https://hub.example") as browser:
        await browser.post("/conda-store/login/", json=ALICE)
        answer = await browser.post("/conda-store/api/v1/token/", headers={"Origin": "https://hub.example"})
    assert answer.status_code == 200
