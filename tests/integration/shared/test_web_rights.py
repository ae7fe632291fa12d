"""What the database says about tokens and their holders, and how soon it is known."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from conda_store_shared.contracts.envelope import Envelope
from conda_store_shared.contracts.events import TokenRevoked
from conda_store_shared.db.engine import Database
from conda_store_shared.db.migrate import upgrade
from conda_store_shared.db.models import IssuedToken, Namespace, NamespaceRoleMapping, NamespaceRoleMappingV2
from conda_store_shared.db.moments import now
from conda_store_shared.domain.permission import RoleBinding
from conda_store_shared.errors import DatabaseUnavailable
from conda_store_shared.testing.servers import Postgres
from conda_store_shared.transaction import Transactions
from conda_store_shared.web.rights import DatabaseRights

HOUR = timedelta(hours=1)
SOON = 0.05


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/rights.sqlite"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with Database(database_url) as opened:
        await upgrade(opened)
        yield opened


async def add(database: Database, *rows: Any) -> None:
    """Add rows; those given later may refer to earlier ones."""
    async with Transactions(database, "test").begin() as transaction:
        for row in rows:
            transaction.session.add(row)
            await transaction.session.flush()


def a_token(identifier: str, **changes: Any) -> IssuedToken:
    columns = {"kind": "script", "primary_namespace": "alice", "created_on": now(), "expires_on": now() + HOUR}
    return IssuedToken(id=identifier, **{**columns, **changes})


def told(identifier: str) -> Envelope:
    return Envelope(
        event=TokenRevoked(token_id=identifier),
        message_id="1",
        source="auth",
        time=datetime.now(UTC),
        correlation_id="1",
    )


async def until_revoked(rights: DatabaseRights, identifier: str) -> None:
    async with asyncio.timeout(10):
        while not await rights.is_revoked(identifier):  # noqa: ASYNC110  the database tells nobody
            await asyncio.sleep(SOON)


async def test_revoked_token_is_known_until_it_would_have_expired(database: Database) -> None:
    await add(
        database,
        a_token("good"),
        a_token("revoked", revoked_on=now()),
        a_token("revoked for ever", revoked_on=now(), expires_on=None),
        a_token("expired", revoked_on=now(), expires_on=now() - HOUR),
    )
    rights = DatabaseRights(database, 1)
    identifiers = ("good", "unknown", "revoked", "revoked for ever", "expired")
    assert [await rights.is_revoked(each) for each in identifiers] == [False, False, True, True, False]


async def test_revocation_is_seen_though_nobody_told(database: Database) -> None:
    rights = DatabaseRights(database, 1, seconds=SOON)
    assert not await rights.is_revoked("late")
    await add(database, a_token("late", revoked_on=now()))
    await until_revoked(rights, "late")


async def test_revocation_is_seen_though_the_clock_of_its_writer_is_behind(database: Database) -> None:
    rights = DatabaseRights(database, 1, seconds=SOON)
    assert not await rights.is_revoked("late")
    await add(database, a_token("late", revoked_on=now() - timedelta(minutes=4)))
    await until_revoked(rights, "late")


async def test_revocation_is_known_at_once_when_it_is_told(database: Database) -> None:
    rights = DatabaseRights(database, 1, seconds=60)
    assert not await rights.is_revoked("told")
    await rights.on_token_revoked(told("told"))
    await rights.on_token_revoked(told("told"))
    assert await rights.is_revoked("told")
    assert not await rights.is_revoked("other")


@pytest.mark.parametrize(("version", "granted"), [(1, ("team/public-*", "viewer")), (2, ("team/*", "developer"))])
async def test_bindings_are_those_of_the_counting_table(
    database: Database, version: int, granted: tuple[str, str]
) -> None:
    alice, team = Namespace(id=1, name="alice"), Namespace(id=2, name="team")
    await add(
        database,
        alice,
        team,
        NamespaceRoleMapping(namespace_id=1, entity="team/public-*", role="viewer"),
        NamespaceRoleMapping(namespace_id=1, entity="no arn", role="admin"),
        NamespaceRoleMapping(namespace_id=1, entity="x/*", role="root"),
        NamespaceRoleMappingV2(namespace_id=2, other_namespace_id=1, role="developer"),
    )
    rights = DatabaseRights(database, version)
    assert list(await rights.bindings_of("alice")) == [RoleBinding.parse(granted[0], [granted[1]])]
    assert list(await rights.bindings_of("bob")) == []


async def test_role_that_was_taken_back_is_soon_no_longer_held(database: Database) -> None:
    mapping = NamespaceRoleMapping(namespace_id=1, entity="team/*", role="admin")
    await add(database, Namespace(id=1, name="alice"), mapping)
    rights = DatabaseRights(database, 1, seconds=SOON)
    assert await rights.bindings_of("alice")
    async with Transactions(database, "test").begin() as transaction:
        await transaction.session.execute(delete(NamespaceRoleMapping))
    async with asyncio.timeout(10):
        while await rights.bindings_of("alice"):  # noqa: ASYNC110  the database tells nobody
            await asyncio.sleep(SOON)


async def test_what_was_known_counts_while_the_database_is_away() -> None:
    with Postgres() as server:
        async with Database(server.create_database()) as database:
            await upgrade(database)
            await add(
                database,
                Namespace(id=1, name="alice"),
                NamespaceRoleMapping(namespace_id=1, entity="team/*", role="admin"),
                a_token("revoked", revoked_on=now()),
            )
            rights = DatabaseRights(database, 1, seconds=SOON)
            granted = list(await rights.bindings_of("alice"))
            assert await rights.is_revoked("revoked")
            server.stop()
            await asyncio.sleep(2 * SOON)
            assert list(await rights.bindings_of("alice")) == granted
            assert await rights.is_revoked("revoked")
            await rights.on_token_revoked(told("told"))
            assert await rights.is_revoked("told")
            with pytest.raises(DatabaseUnavailable):
                await rights.bindings_of("bob")
            server.start()
            assert list(await rights.bindings_of("bob")) == []
