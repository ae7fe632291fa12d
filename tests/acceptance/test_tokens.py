"""Tokens in the running suite: what every service makes of one that was used, and of one that was revoked."""

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from conda_store_shared.testing.servers.conda_store import Suite
from tests.acceptance.user import User

TOKENS = "/api/v1/token/"
# Whom each service lets in: auth tells it, api asks for a permission, the registry of artifacts for anybody at all.
ADMITS: dict[str, Callable[[httpx.Client], bool]] = {
    "auth": lambda client: client.get("/api/v1/permission/").json()["data"]["authenticated"],
    "api": lambda client: client.get("/api/v1/setting/").status_code == httpx.codes.OK,
    "artifacts": lambda client: client.get("/v2/").status_code == httpx.codes.OK,
}


def issue(user: User, **body: Any) -> str:
    answer = user.client.post(TOKENS, json=body)
    token: str = answer.raise_for_status().json()["data"]["token"]
    return token


def find(user: User, name: str) -> dict[str, Any]:
    rows = user.client.get(TOKENS, params={"sort_by": "created_on", "order": "desc"}).raise_for_status().json()["data"]
    [row] = [row for row in rows if row["name"] == name]
    assert isinstance(row, dict)
    return row


def script(suite: Suite, token: str) -> httpx.Client:
    return httpx.Client(base_url=suite.url, headers={"Authorization": f"Bearer {token}"}, timeout=30)


def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until something holds."""
    limit = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < limit
        # Nobody tells a caller that a token was revoked.
        time.sleep(0.05)


@pytest.mark.parametrize("revoke", ["by its id", "by itself"])
def test_every_service_refuses_a_token_soon_after_it_was_revoked(user: User, revoke: str) -> None:
    name = f"revoked {revoke}"
    with script(user.suite, issue(user, name=name)) as client:
        assert {service: admits(client) for service, admits in ADMITS.items()} == dict.fromkeys(ADMITS, True)
        if revoke == "by its id":
            user.client.delete(f"{TOKENS}{find(user, name)['id']}/").raise_for_status()
        else:
            client.delete(TOKENS).raise_for_status()
        for admits in ADMITS.values():
            until(lambda admits=admits: not admits(client))  # type: ignore[misc]
    assert find(user, name)["revoked_on"] is not None
    assert {service: admits(user.client) for service, admits in ADMITS.items()} == dict.fromkeys(ADMITS, True)


def test_every_service_refuses_the_cookie_of_somebody_who_logged_out(user: User) -> None:
    cookie = user.client.cookies["conda-store-auth"]
    user.client.post("/logout/", follow_redirects=False)
    with script(user.suite, cookie) as client:
        for admits in ADMITS.values():
            until(lambda admits=admits: not admits(client))  # type: ignore[misc]


@pytest.mark.parametrize("service", ADMITS)
def test_use_of_a_token_is_recorded_whichever_service_it_is_shown_to(user: User, service: str) -> None:
    name = f"used at {service}"
    with script(user.suite, issue(user, name=name)) as client:
        assert find(user, name)["last_used_on"] is None
        assert ADMITS[service](client)
        until(lambda: find(user, name)["last_used_on"] is not None)
