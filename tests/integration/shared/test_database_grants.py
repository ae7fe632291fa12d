"""Each service has a login which writes that service's tables and reads those of the others, and can do no more."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import Table

from conda_store_shared.db import models
from conda_store_shared.db.migrate.logins import SERVICES
from conda_store_shared.testing.servers import Databases
from tests.architecture.test_one_writer import MODELS, OWNERS

GRANTS = Path(__file__).parents[3] / "deploy/postgres/grants.sql"
WRITES = {
    "INSERT": "INSERT INTO {table} DEFAULT VALUES",
    "UPDATE": "UPDATE {table} SET {column} = {column} WHERE false",
    "DELETE": "DELETE FROM {table} WHERE false",
}
# What no service may do to any table, its own included.
NEVER = (
    "TRUNCATE {table} CASCADE",
    "DROP TABLE {table} CASCADE",
    "ALTER TABLE {table} ADD COLUMN mine integer",
    "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
    "CREATE INDEX mine ON {table} ({column})",
    "CREATE TRIGGER mine BEFORE INSERT ON {table} EXECUTE FUNCTION pg_catalog.suppress_redundant_updates_trigger()",
    "ALTER TABLE {table} OWNER TO CURRENT_USER",
)
# What none may do besides.
NOWHERE = (
    "CREATE TABLE mine (id integer)",
    "CREATE TEMPORARY TABLE mine (id integer)",
    "CREATE SCHEMA mine",
    "CREATE FUNCTION mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "CREATE EXTENSION pg_trgm",
    "CREATE ROLE mine",
    "UPDATE alembic_version SET version_num = ''",
    "SELECT pg_read_file('/etc/passwd')",
    "COPY namespace TO PROGRAM 'cat'",
    "SELECT setval('namespace_id_seq', 1)",
)
# Rows of these are everybody's; each adds its own.
EVERYBODYS = {"outbox": {"INSERT", "DELETE"}, "event": {"INSERT"}}
# What nobody but the service that writes it reads.
SECRET = {"webhook_secret"}
MESSAGE = "INSERT INTO outbox (service, message_id, routing_key, headers, body) VALUES ('{0}', 'm', 'k', '{{}}', '')"


def table_of(model: str) -> Table:
    found = getattr(models, model)
    table = found if isinstance(found, Table) else found.__table__
    assert isinstance(table, Table)
    return table


def about(table: Table, text: str) -> str:
    """A statement about a table."""
    return text.replace("{table}", table.name).replace("{column}", next(iter(table.primary_key)).name)


TABLES = {table_of(model): OWNERS.get(model, "api") for model in MODELS}


class Session:
    """One service's connection; whatever it does is undone."""

    def __init__(self, service: str, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self.service = service
        self.connection = connection

    async def may(self, statement: str) -> bool:
        """Whether the server lets the service do it; what else may be wrong with a row does not count."""
        transaction = self.connection.transaction()
        await transaction.start()
        try:
            await self.connection.execute(statement)
        except asyncpg.InsufficientPrivilegeError:
            return False
        except asyncpg.IntegrityConstraintViolationError:
            return True
        finally:
            await transaction.rollback()
        return True

    async def allowed(self, table: Table) -> set[str]:
        """Which writes the service may do to a table."""
        # A row of the outbox that is nobody's is refused to everybody.
        writes = {**WRITES, "INSERT": MESSAGE.format(self.service)} if table.name == "outbox" else WRITES
        found = {word: await self.may(about(table, text)) for word, text in writes.items()}
        return {word for word, is_allowed in found.items() if is_allowed}


@pytest.fixture
def urls(postgres_server: Databases, postgres_url: str) -> Mapping[str, str]:
    """The login of each service, in a database with the grants in force."""
    return postgres_server.narrow(postgres_url)


@pytest.fixture(params=SERVICES)
async def session(request: pytest.FixtureRequest, urls: Mapping[str, str]) -> AsyncIterator[Session]:
    """Each service, logged in."""
    connection = await asyncpg.connect(urls[request.param].replace("postgresql+asyncpg", "postgresql"))
    yield Session(request.param, connection)
    await connection.close()


async def test_service_writes_its_own_tables_and_no_others(session: Session) -> None:
    seen = {table.name: await session.allowed(table) for table in TABLES}
    own = {table.name: set(WRITES) for table, owner in TABLES.items() if owner == session.service}
    forgets = {"event": {"INSERT", "DELETE"}} if session.service == "api" else {}
    assert seen == {table.name: set() for table in TABLES} | own | EVERYBODYS | forgets


async def test_service_reads_every_table_but_the_secrets_of_another(session: Session) -> None:
    tables = {"alembic_version", *(table.name for table in TABLES)}
    seen = {table for table in tables if await session.may(f"SELECT * FROM {table}")}
    assert seen == (tables if session.service == "api" else tables - SECRET)


async def test_service_empties_changes_and_makes_no_table(session: Session) -> None:
    statements = [about(table, text) for table in TABLES for text in NEVER]
    assert [statement for statement in (*statements, *NOWHERE) if await session.may(statement)] == []


async def test_service_draws_numbers_of_the_tables_alone_to_which_it_adds(session: Session) -> None:
    for table, owner in TABLES.items():
        counter = await session.connection.fetchval("SELECT to_regclass($1)::text", f"{table.name}_id_seq")
        if counter is not None:
            draws = owner == session.service or table.name in EVERYBODYS
            assert await session.may(f"SELECT nextval('{counter}')") == draws, counter


async def test_service_touches_no_message_of_another_in_the_outbox(
    session: Session, postgres_server: Databases, postgres_url: str
) -> None:
    for service in SERVICES:
        assert await session.may(MESSAGE.format(service)) == (service == session.service)
        postgres_server.execute(MESSAGE.format(service), postgres_url)
    gone = await session.connection.fetch("DELETE FROM outbox RETURNING service")
    assert [row["service"] for row in gone] == [session.service]


async def test_service_takes_nobody_elses_role(session: Session) -> None:
    others = {f"conda_store_{service}" for service in SERVICES if service != session.service}
    for role in (*others, "postgres"):
        assert not await session.may(f'SET ROLE "{role}"')


async def test_grants_are_made_by_psql_too(postgres_server: Databases, postgres_url: str) -> None:
    statements = GRANTS.read_text()
    # A second time changes nothing.
    postgres_server.execute(f"{statements}{statements}", postgres_url)
    granted = "SELECT has_table_privilege('conda_store_auth', 'token', 'INSERT')"
    assert postgres_server.execute(granted, postgres_url) == "t\n"
