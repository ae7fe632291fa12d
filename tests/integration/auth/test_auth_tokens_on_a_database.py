"""The tokens there are, on real databases."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from conda_store_auth.use_cases.forget_expired_tokens import forget_expired_tokens
from conda_store_auth.use_cases.note_token_use import note_token_use
from conda_store_shared.contracts.events import TokenUsed
from conda_store_shared.db.engine import Database
from conda_store_shared.db.models import IssuedToken, Outbox
from conda_store_shared.transaction import Transactions
from tests.integration.auth.auth_service import logged_in

TOKENS = "/api/v1/token/"
HOUR = timedelta(hours=1)


async def issue(client: httpx.AsyncClient, **body: Any) -> str:
    answer = await client.post(TOKENS, json=body)
    token: str = answer.raise_for_status().json()["data"]["token"]
    return token


async def listed(client: httpx.AsyncClient, query: str = "", **headers: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (await client.get(TOKENS + query, headers=headers)).raise_for_status().json()["data"]
    return rows


async def messages(database: Database) -> list[str]:
    async with database.session() as session:
        return list((await session.scalars(select(Outbox.routing_key))).all())


async def test_login_lists_all_its_tokens_and_a_script_itself(database: Database) -> None:
    async with logged_in(database, "bob"), logged_in(database, "alice") as client:
        narrow = await issue(client, name="narrow", role_bindings={"alice/*": ["viewer"]})
        await issue(client, name="wide")
        rows = await listed(client, "?sort_by=name&order=desc")
        assert {row["name"] for row in rows} == {"wide", "narrow", None}
        assert {row["primary_namespace"] for row in rows} == {"alice"}
        client.cookies.clear()
        [own] = await listed(client, Authorization=f"Bearer {narrow}")
        assert (own["name"], own["current"]) == ("narrow", True)


async def test_token_is_revoked_once_when_many_do_so_at_once(database: Database) -> None:
    async with logged_in(database, "alice") as client:
        await issue(client, name="shared")
        [row] = [row for row in await listed(client) if row["name"] == "shared"]
        answers = await asyncio.gather(*(client.delete(f"{TOKENS}{row['id']}/") for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert await messages(database) == ["token.revoked"]


async def test_unknown_digest_is_revoked_once_when_many_do_so_at_once(database: Database) -> None:
    async with logged_in(database, "alice") as client:
        answers = await asyncio.gather(*(client.delete(f"{TOKENS}{'d' * 64}/") for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert await messages(database) == ["token.revoked"]


async def test_use_of_a_token_is_recorded_whether_or_not_it_was_issued_here(database: Database) -> None:
    used = datetime.now(UTC)
    transactions = Transactions(database, "auth")
    async with logged_in(database, "alice") as client:
        [own] = await listed(client)
        for moment in (used, used - HOUR):
            for identifier in (own["id"], "d" * 64):
                async with transactions.begin() as transaction:
                    event = TokenUsed(
                        token_id=identifier, primary_namespace="alice", expires_at=used + HOUR, used_at=moment
                    )
                    await note_token_use(event, transaction)
        rows = {row["id"]: row for row in await listed(client)}
    assert {row["last_used_on"] for row in rows.values()} == {used.replace(tzinfo=None).isoformat()}
    assert rows["d" * 64]["kind"] == "foreign"


async def test_expired_tokens_are_forgotten_and_others_kept(database: Database) -> None:
    moment = datetime.now(UTC).replace(tzinfo=None)
    ends = {"over": moment - 25 * HOUR, "just over": moment - HOUR, "lives": moment + HOUR, "endless": None}
    transactions = Transactions(database, "auth")
    async with transactions.begin() as transaction:
        for identifier, end in ends.items():
            transaction.session.add(
                IssuedToken(id=identifier, kind="script", primary_namespace="alice", created_on=moment, expires_on=end)
            )
    await forget_expired_tokens(transactions, moment)
    async with database.session() as session:
        assert set(await session.scalars(select(IssuedToken.id))) == set(ends) - {"over"}


@pytest.mark.parametrize("name", ["%00", "%ED%A0%80", "x" * 300, "'; DROP TABLE token; --", "%25", "_____"])
async def test_odd_namespace_has_no_tokens(database: Database, name: str) -> None:
    async with logged_in(database, "alice") as client:
        answer = await client.get(f"{TOKENS}?primary_namespace={name}")
        assert answer.status_code in (200, 400, 403)
        assert answer.json().get("data", []) == []
        assert len(await listed(client)) == 1


async def test_odd_name_of_a_token_is_kept_or_refused(database: Database) -> None:
    async with logged_in(database, "alice") as client:
        for name in ("x" * 255, "🐍 «nightly»", "<script>", "%_\\", "' OR 1=1"):
            await issue(client, name=name)
            assert name in {row["name"] for row in await listed(client)}
        for content in (b'{"name": "a\\u0000"}', b'{"name": "\\ud800"}', b'{"name": "\xff"}'):
            answer = await client.post(TOKENS, content=content, headers={"Content-Type": "application/json"})
            assert answer.status_code in (400, 422)
