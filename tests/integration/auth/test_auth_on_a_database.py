"""The whole service on real databases: the rights they grant, and what happens while they are away."""

from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_shared.db.engine import Database
from conda_store_shared.db.migrate import upgrade
from conda_store_shared.db.models import Namespace, NamespaceRoleMapping, NamespaceRoleMappingV2
from conda_store_shared.testing.servers import Postgres
from conda_store_shared.transaction import Transactions
from tests.integration.auth.auth_service import logged_in


async def add(session: AsyncSession, *rows: Any) -> None:
    session.add_all(rows)
    await session.flush()


async def grant_team_to_alice(database: Database) -> None:
    """Grant alice, in both tables, a role in the namespace ``team``; in the first also one on an unreadable ARN."""
    async with Transactions(database, "auth").begin() as transaction:
        alice, team = Namespace(name="alice"), Namespace(name="team")
        await add(transaction.session, alice, team)
        await add(
            transaction.session,
            NamespaceRoleMapping(namespace_id=alice.id, entity="team/public-*", role="viewer"),
            NamespaceRoleMapping(namespace_id=alice.id, entity="no arn", role="admin"),
            NamespaceRoleMappingV2(namespace_id=team.id, other_namespace_id=alice.id, role="developer"),
        )


async def roles(client: httpx.AsyncClient) -> dict[str, list[str]]:
    told: dict[str, list[str]] = (await client.get("/api/v1/permission/")).json()["data"]["entity_roles"]
    return told


@pytest.mark.parametrize(("version", "granted"), [(1, {"team/public-*": ["viewer"]}), (2, {"team/*": ["developer"]})])
async def test_person_holds_what_the_counting_table_grants(
    database: Database, version: int, granted: dict[str, list[str]]
) -> None:
    await grant_team_to_alice(database)
    usual = {"default/*": ["viewer"], "filesystem/*": ["viewer"], "*/*": ["admin"]}
    async with logged_in(database, "alice", version) as client:
        assert await roles(client) == {**usual, **granted}
    async with logged_in(database, "bob", version) as client:
        assert await roles(client) == usual


@pytest.mark.parametrize(
    ("version", "granted", "wider"),
    [(1, {"team/public-*": ["viewer"]}, {"team/*": ["viewer"]}), (2, {"team/*": ["developer"]}, {"team/*": ["admin"]})],
)
async def test_token_of_a_person_holds_what_the_database_grants_them(
    database: Database, version: int, granted: dict[str, list[str]], wider: dict[str, list[str]]
) -> None:
    await grant_team_to_alice(database)
    async with logged_in(database, "alice", version) as client:
        token = (await client.post("/api/v1/token/", json={"role_bindings": granted})).json()["data"]["token"]
        client.cookies.clear()
        client.headers["Authorization"] = f"Bearer {token}"
        refused = await client.post("/api/v1/token/", json={"role_bindings": wider})
        assert "*/*" not in await roles(client)
    assert refused.status_code == 400


@pytest.mark.parametrize("name", ["%", "_", "a_b", "al%", "x" * 255, "=?^~"])
async def test_name_is_no_pattern_to_the_database(database: Database, name: str) -> None:
    await grant_team_to_alice(database)
    async with logged_in(database, name.replace("%", "~")) as client:
        assert "team/public-*" not in await roles(client)


async def test_service_says_so_while_its_database_is_away_and_goes_on_when_it_is_back() -> None:
    with Postgres() as server:
        async with Database(server.create_database()) as database:
            await upgrade(database)
            async with logged_in(database, "alice") as client:
                assert (await client.get("/api/v1/permission/")).status_code == 200
                server.stop()
                for answer in (await client.get("/api/v1/permission/"), await client.post("/api/v1/token/")):
                    assert (answer.status_code, answer.json()["status"]) == (503, "error")
                    assert "Retry-After" in answer.headers
                ready = await client.get("/health/ready")
                assert (ready.status_code, ready.json()["parts"]) == (503, {"database": "error"})
                assert (await client.get("/login/")).status_code == 200
                server.start()
                assert (await client.get("/api/v1/permission/")).status_code == 200
