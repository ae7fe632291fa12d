"""The grants of `deploy/postgres/`: each service writes its own tables, and reads those of the others."""

from pathlib import Path

import asyncpg
import pytest

from conda_store_shared.db import models
from tests.architecture.test_one_writer import MODELS, OWNERS, SHARED_TABLES

GRANTS = Path(__file__).parents[3] / "deploy/postgres/grants.sql"
SERVICES = ("api", "auth", "artifacts")
WRITES = ("INSERT", "UPDATE", "DELETE")


def table_of(model: str) -> str:
    found = getattr(models, model)
    return str(getattr(found, "__tablename__", getattr(found, "name", "")))


async def connect(url: str) -> "asyncpg.Connection[asyncpg.Record]":
    """Connect to the database, with the grants in force."""
    connection = await asyncpg.connect(url.replace("postgresql+asyncpg", "postgresql"))
    # A second time changes nothing.
    for _ in range(2):
        await connection.execute(GRANTS.read_text())
    return connection


async def test_each_table_is_written_by_the_service_that_owns_it(postgres_url: str) -> None:
    connection = await connect(postgres_url)
    seen, expected = {}, {}
    for model in sorted(MODELS):
        for service in SERVICES:
            table, role = table_of(model), f"conda_store_{service}"
            seen[table, role] = [
                await connection.fetchval("SELECT has_table_privilege($1, $2, $3)", role, table, word)
                for word in ("SELECT", *WRITES)
            ]
            owns = model in SHARED_TABLES or OWNERS.get(model, "api") == service
            expected[table, role] = [True, owns, owns, owns]
    await connection.close()
    assert seen == expected


@pytest.mark.parametrize("service", SERVICES)
async def test_service_adds_its_rows_and_no_others(postgres_url: str, service: str) -> None:
    connection = await connect(postgres_url)
    await connection.execute(f"SET ROLE conda_store_{service}")
    rows = {
        "api": "INSERT INTO namespace (name) VALUES ('team')",
        "auth": "INSERT INTO token (id, kind, primary_namespace, created_on) VALUES ('a', 'login', 'alice', now())",
    }
    for owner, statement in rows.items():
        if owner == service:
            await connection.execute(statement)
        else:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    message = "INSERT INTO outbox (service, message_id, routing_key, headers, body) VALUES ($1, 'm', 'k', '{}', '')"
    await connection.execute(message, service)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("UPDATE alembic_version SET version_num = ''")
    await connection.close()
