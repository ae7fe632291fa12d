"""The list of tokens, and taking them back."""

import hashlib
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from conda_store_shared.contracts.envelope import decode
from conda_store_shared.contracts.events import TokenRevoked
from conda_store_shared.db.models import Outbox

pytestmark = pytest.mark.slow

TOKENS = "/api/v1/token/"
ADMIN = {"*/*": ["admin"]}


async def log_in(browser: httpx.AsyncClient, name: str = "alice") -> str:
    """Log in; return the token of the cookie."""
    await browser.post("/login/", json={"username": name, "password": "password"})
    return browser.cookies["conda-store-auth"]


async def issue(browser: httpx.AsyncClient, **body: Any) -> str:
    """Return a token for a script."""
    answer = await browser.post(TOKENS, json=body)
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["data"]["token"]
    return token


def identifier(auth: Any, token: str) -> str:
    found: str | None = auth.authenticator.signer.verify(token, auth.authenticator.clock()).token_id
    return found or hashlib.sha256(token.encode()).hexdigest()


async def listed(client: httpx.AsyncClient, query: str = "") -> list[dict[str, Any]]:
    answer = await client.get(TOKENS + query)
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["data"]
    return rows


async def told(auth: Any) -> list[TokenRevoked]:
    """What is on its way to the other services, and counts for this one from now on."""
    async with auth.transactions.database.session() as session:
        rows = await session.scalars(select(Outbox).order_by(Outbox.id))
        events = [decode(row.headers, row.body).event for row in rows]
    auth.rights.revoked.update(event.token_id for event in events if isinstance(event, TokenRevoked))
    return [event for event in events if isinstance(event, TokenRevoked)]


async def is_known(auth: Any, token: str) -> bool:
    async with auth.client(token=token) as client:
        known: bool = (await client.get("/api/v1/permission/")).json()["data"]["authenticated"]
    return known


async def test_login_sees_its_tokens_by_name_and_end_but_not_their_texts(auth: Any, now: datetime) -> None:
    async with auth.client() as browser:
        cookie = await log_in(browser)
        script = await issue(
            browser, name="  nightly build ", expiration=(now + timedelta(minutes=10)).isoformat()
        )
        answer = await browser.get(TOKENS)
    first, second = sorted(answer.json()["data"], key=lambda row: row["kind"])
    created = "2026-11-22T11:07:30.500000"
    assert first == {
        "id": identifier(auth, cookie),
        "kind": "login",
        "name": None,
        "primary_namespace": "alice",
        "created_on": created,
        "expires_on": "2026-11-23T11:07:30.500000",
        "last_used_on": None,
        "revoked_on": None,
        "current": True,
    }
    assert (second["id"], second["kind"], second["name"]) == (identifier(auth, script), "script", "nightly build")
    assert (second["expires_on"], second["current"]) == ("2026-11-22T11:17:30.500000", False)
    told = answer.json()
    assert (told["status"], told["page"], told["size"], told["count"]) == ("ok", 1, 5, 2)
    assert script not in answer.text
    assert cookie not in answer.text


@pytest.mark.parametrize("name", ["x" * 256, "a\nb", "a\u0000b", "a\u0085b", 7, ["a"]])
async def test_name_that_cannot_stand_in_a_list_is_unprocessable(auth: Any, name: Any) -> None:
    async with auth.client(token=auth.token("alice", {})) as client:
        answer = await client.post(TOKENS, json={"name": name})
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "name"])


@pytest.mark.parametrize("name", [b'"\\ud800"', b'"\\udfff\\ud800"'])
async def test_name_that_has_no_bytes_is_refused(auth: Any, name: bytes) -> None:
    async with auth.client(token=auth.token("alice", {})) as client:
        answer = await client.post(
            TOKENS, content=b'{"name": ' + name + b"}", headers={"Content-Type": "application/json"}
        )
    assert answer.status_code in (400, 422)


async def test_list_has_pages_in_the_order_asked_for(auth: Any, now: datetime) -> None:
    async with auth.client() as browser:
        await log_in(browser)
        for number in range(6):
            end = now + timedelta(minutes=10 - number)
            await issue(browser, name=f"n{number}", expiration=end.isoformat())
        first = await browser.get(TOKENS + "?size=100&sort_by=expires_on")
        second = await listed(browser, "?page=2&sort_by=expires_on")
        backwards = await listed(browser, "?sort_by=name&order=desc&size=3")
        wrong = await browser.get(TOKENS + "?page=0")
    names = [row["name"] for row in first.json()["data"]]
    assert names == ["n5", "n4", "n3", "n2", "n1"]
    assert (first.json()["size"], first.json()["count"]) == (5, 7)
    assert [row["name"] for row in second] == ["n0", None]
    assert [row["name"] for row in backwards] == ["n5", "n4", "n3"]
    assert wrong.status_code == 422


async def test_script_sees_itself_alone(auth: Any) -> None:
    async with auth.client() as browser:
        await log_in(browser)
        narrow = await issue(browser, role_bindings={"alice/*": ["viewer"]})
    async with auth.client(token=narrow) as client:
        assert [row["id"] for row in await listed(client)] == [identifier(auth, narrow)]


async def test_administrator_of_a_namespace_sees_its_tokens_and_others_do_not(auth: Any) -> None:
    async with auth.client() as browser:
        await log_in(browser, "alice")
    async with auth.client(token=auth.token("root", {"alice/*": ["admin"]})) as client:
        assert [row["primary_namespace"] for row in await listed(client, "?primary_namespace=alice")] == ["alice"]
        assert await listed(client) == []
    for roles in (["developer"], ["viewer"], []):
        async with auth.client(token=auth.token("bob", {"alice/*": roles, "alice/x": ["admin"]})) as client:
            answer = await client.get(TOKENS + "?primary_namespace=alice")
            assert (answer.status_code, answer.json()["status"]) == (403, "error")


async def test_expired_tokens_are_not_listed_but_revoked_ones_are(auth: Any, now: datetime) -> None:
    async with auth.client() as browser:
        await log_in(browser)
        revoked = identifier(auth, await issue(browser))
        await browser.delete(f"{TOKENS}{revoked}/")
        rows = {row["id"]: row["revoked_on"] for row in await listed(browser)}
        auth.authenticator.clock = lambda: now + timedelta(days=2)
        assert (await auth.recorded())[0].expires_on < (now + timedelta(days=2)).replace(tzinfo=None)
    async with auth.client(token=auth.token("alice", ADMIN, timedelta(days=3))) as client:
        assert await listed(client) == []
    assert rows[revoked] == "2026-11-22T11:07:30.500000"
    assert len(rows) == 2


async def test_nobody_in_particular_sees_and_revokes_nothing(auth: Any) -> None:
    async with auth.client() as client:
        answers = [await client.get(TOKENS), await client.delete(TOKENS), await client.delete(TOKENS + "a" * 32)]
    for answer in answers:
        assert (answer.status_code, answer.json()) == (
            403,
            {"status": "error", "message": "request not authorized"},
        )


async def test_revoked_token_is_told_to_every_service_and_counts_nowhere(auth: Any) -> None:
    async with auth.client() as browser:
        await log_in(browser)
        script = await issue(browser)
        assert await is_known(auth, script)
        answer = await browser.delete(f"{TOKENS}{identifier(auth, script)}/")
    assert answer.json() == {"status": "ok", "message": None}
    assert await told(auth) == [TokenRevoked(token_id=identifier(auth, script))]
    assert not await is_known(auth, script)


async def test_revoking_twice_changes_and_tells_nothing_more(auth: Any) -> None:
    async with auth.client() as browser:
        await log_in(browser)
        path = f"{TOKENS}{identifier(auth, await issue(browser))}/"
        answers = [await browser.delete(path) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(await told(auth)) == 1


async def test_token_revokes_itself_whatever_it_may_do_otherwise(auth: Any) -> None:
    async with auth.client() as browser:
        await log_in(browser)
        narrow, other = [await issue(browser, role_bindings={"alice/*": ["viewer"]}) for _ in range(2)]
    async with auth.client(token=narrow) as client:
        others = await client.delete(f"{TOKENS}{identifier(auth, other)}/")
        own = await client.delete(TOKENS)
    assert (others.status_code, own.status_code) == (403, 200)
    assert await told(auth) == [TokenRevoked(token_id=identifier(auth, narrow))]


async def test_login_revokes_the_tokens_of_its_namespace_and_no_others(auth: Any) -> None:
    tokens = {}
    for name in ("alice", "bob"):
        async with auth.client() as browser:
            await log_in(browser, name)
            tokens[name] = identifier(auth, await issue(browser))
            narrow = auth.authenticator.signer.verify(browser.cookies["conda-store-auth"], auth.authenticator.clock())
    # A login that its provider gave no role at all.
    text = auth.token("bob", {}, token_id=narrow.token_id)
    async with auth.client(token=text) as client:
        answers = {name: await client.delete(f"{TOKENS}{tokens[name]}/") for name in ("alice", "bob")}
    assert {name: answer.status_code for name, answer in answers.items()} == {"alice": 403, "bob": 200}


async def test_administrator_revokes_the_tokens_of_a_namespace(auth: Any) -> None:
    async with auth.client() as browser:
        token = await log_in(browser)
    path = f"{TOKENS}{identifier(auth, token)}/"
    async with auth.client(token=auth.token("team", {"alice/*": ["developer"]})) as client:
        assert (await client.delete(path)).status_code == 403
    async with auth.client(token=auth.token("team", {"alice/*": ["admin"]})) as client:
        assert (await client.delete(path)).status_code == 200


async def test_token_that_is_recorded_nowhere_may_revoke_itself_for_ever(auth: Any, now: datetime) -> None:
    old = auth.token("alice", {})
    async with auth.client(token=old) as client:
        assert (await client.delete(TOKENS)).status_code == 200
    [row] = await auth.recorded()
    assert (row.id, row.kind, row.primary_namespace) == (identifier(auth, old), "foreign", "alice")
    assert row.expires_on == (now + timedelta(hours=1)).replace(tzinfo=None, microsecond=0)
    assert await told(auth) == [TokenRevoked(token_id=row.id)]
    assert not await is_known(auth, old)


async def test_token_that_is_recorded_nowhere_is_revoked_by_digest_by_those_who_administer_everything(
    auth: Any,
) -> None:
    leaked = auth.token("alice", {})
    path = f"{TOKENS}{hashlib.sha256(leaked.encode()).hexdigest()}/"
    for bindings in ({"alice/*": ["admin"]}, {"*/x": ["admin"]}, {"*/*": ["developer"]}):
        async with auth.client(token=auth.token("bob", bindings)) as client:
            answer = await client.delete(path)
            assert (answer.status_code, answer.json()["message"]) == (404, "token does not exist")
    async with auth.client(token=auth.token("root", ADMIN)) as client:
        assert [(await client.delete(path)).status_code for _ in range(2)] == [200, 200]
    assert len(await told(auth)) == 1
    assert not await is_known(auth, leaked)


ODD_IDS = ["a%20b", "%00", "%F0%9F%98%80", "..", "%2e%2e%2fpermission", "';--", "%25"]


@pytest.mark.parametrize("odd", ["no-such-token", "a" * 32, "A" * 64, "a" * 65, *ODD_IDS])
async def test_id_that_is_no_tokens_does_not_exist(auth: Any, odd: str) -> None:
    async with auth.client(token=auth.token("root", ADMIN)) as client:
        answer = await client.delete(TOKENS + odd)
    assert answer.status_code in (404, 405)
    assert await auth.recorded() == []


async def test_predefined_token_is_not_revoked_but_may_revoke(auth: Any) -> None:
    async with auth.client() as browser:
        token = await log_in(browser)
    async with auth.client(token="robot") as client:
        own = await client.delete(TOKENS)
        other = await client.delete(f"{TOKENS}{identifier(auth, token)}/")
        known = (await client.get("/api/v1/permission/")).json()["data"]["authenticated"]
    assert (own.status_code, other.status_code, known) == (409, 200, True)
    assert "predefined_tokens" in own.json()["message"]


async def test_logging_out_revokes_the_token_of_the_cookie_and_no_other(auth: Any) -> None:
    async with auth.client() as browser:
        cookie = await log_in(browser)
        script = await issue(browser)
        answer = await browser.post("/logout/", headers={"Authorization": f"Bearer {script}"})
        assert (answer.status_code, browser.cookies.get("conda-store-auth")) == (303, None)
        again = await browser.post("/logout/", headers={"Authorization": f"Bearer {script}"})
    assert again.status_code == 303
    assert await told(auth) == [TokenRevoked(token_id=identifier(auth, cookie))]
    assert (await is_known(auth, cookie), await is_known(auth, script)) == (False, True)


async def test_page_of_another_site_logs_nobody_out(auth: Any) -> None:
    async with auth.client() as browser:
        cookie = await log_in(browser)
        answer = await browser.post("/logout/", headers={"Origin": "https://evil.example"})
        assert (answer.status_code, browser.cookies["conda-store-auth"]) == (403, cookie)
    assert await told(auth) == []
