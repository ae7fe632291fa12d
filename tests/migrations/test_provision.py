"""The one-shot command that makes a database what the services need (`python -m conda_store_shared.db.migrate`)."""

import asyncio
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import make_url, text

from conda_store_shared.db.engine import Database
from conda_store_shared.db.migrate.__main__ import perform
from conda_store_shared.db.migrate.logins import SERVICES
from conda_store_shared.db.schema import known_revisions, newest_revision
from conda_store_shared.errors import ConfigurationError
from conda_store_shared.testing.servers import Postgres, free_port

ADMINISTRATOR = "password-of-the-administrator"
pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("provision")]


@dataclass
class Done:
    """How a command ended."""

    status: int | None
    said: str


class Secrets:
    """Files with addresses of one database, as a container sees them."""

    def __init__(self, directory: Path, server: Postgres, database: str) -> None:
        self.directory = directory
        self.server = server
        self.database = database
        directory.mkdir()
        self.write("admin", server.admin_url)
        for name in ("owner", *SERVICES):
            self.write_login(name, f"first-{name}")

    def write(self, name: str, url: str) -> None:
        """Write one file, with an end of line as editors leave it."""
        (self.directory / name).write_text(f"{url}\n")

    def write_login(self, name: str, password: str, user: str = "") -> None:
        """Write the file of a service, or of the owner."""
        account = f"{user or f'{self.database}_{name}'}:{password}"
        self.write(name, f"postgresql+asyncpg://{account}@127.0.0.1:{self.server.port}/{self.database}")

    def url(self, name: str) -> str:
        """What a file says, as the driver wants it."""
        return (self.directory / name).read_text().strip().replace("+asyncpg", "")

    def words(self, *, admin: bool = True) -> list[str]:
        """The command line over all files."""
        words = ["upgrade", "--wait", "30", "--url-file", str(self.directory / "owner")]
        words += ["--admin-url-file", str(self.directory / "admin")] if admin else []
        return words + [
            word for service in SERVICES for word in ("--login", f"{service}={self.directory / service}")
        ]

    async def ask(self, name: str, statement: str) -> object:
        """Ask as one of the logins; raises what the server answers."""
        connection = await asyncpg.connect(self.url(name))
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()


async def run(*arguments: str) -> Done:
    """Run the command as administrators do."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "conda_store_shared.db.migrate", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 100)
    return Done(process.returncode, said.decode())


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A server that wants everybody's password, and writes down each statement."""
    with Postgres(password=ADMINISTRATOR) as server:
        server.execute("ALTER SYSTEM SET log_statement = 'all'")
        server.execute("SELECT pg_reload_conf()")
        yield server


@pytest.fixture
def secrets(server: Postgres, tmp_path: Path, request: pytest.FixtureRequest) -> Secrets:
    """Files for a database that is not there yet."""
    return Secrets(tmp_path / "secrets", server, f"db{abs(hash(request.node.name)) % 10**8}")


async def test_command_makes_everything_on_an_empty_server_when_two_run_at_once(secrets: Secrets) -> None:
    ends = await asyncio.gather(*(run(*secrets.words()) for _ in range(2)))
    assert [end.status for end in ends] == [0, 0], ends
    passwords = [make_url(secrets.url(name)).password for name in ("admin", "owner", *SERVICES)]
    log = secrets.server.log.read_text()
    assert "CREATE ROLE" in log
    assert [password for password in passwords if str(password) in f"{ends}{log}"] == []
    await perform(*secrets.words())
    for service in SERVICES:
        found = await secrets.ask(service, "SELECT version_num FROM alembic_version")
        assert found == newest_revision(known_revisions())
        assert await secrets.ask(service, "SHOW statement_timeout") == "1min"
    owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
    assert await secrets.ask("api", owner) == f"{secrets.database}_owner"
    limit = "SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user"
    assert await secrets.ask("auth", limit) == 225


async def test_passwords_become_those_of_the_files_and_the_owner_does_without_an_administrator(
    secrets: Secrets,
) -> None:
    await perform(*secrets.words())
    old = secrets.url("auth")
    secrets.write_login("auth", "second%2F%24%20")
    # A new user beside the old one, so that a service that still runs is not locked out meanwhile.
    secrets.write_login("api", "second", user=f"{secrets.database}_api_2")
    secrets.write("admin", secrets.url("owner"))
    secrets.server.execute(f'ALTER ROLE "{secrets.database}_owner" CREATEROLE')
    await perform(*secrets.words(admin=False))
    assert await secrets.ask("auth", "SELECT 1") == 1
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(old)
    assert await secrets.ask("api", "INSERT INTO namespace (name) VALUES ('of-the-new-user') RETURNING name")


async def test_older_release_leaves_a_newer_schema_and_who_writes_it_as_they_are(secrets: Secrets) -> None:
    await perform(*secrets.words())
    place = secrets.server.url(secrets.database)
    for statement in (
        "CREATE TABLE of_later (id integer)",
        "GRANT INSERT, SELECT ON of_later TO conda_store_auth",
        "UPDATE alembic_version SET version_num = 'f00d'",
    ):
        secrets.server.execute(statement, place)
    secrets.write_login("auth", "second")
    await perform(*secrets.words())
    assert await secrets.ask("auth", "INSERT INTO of_later VALUES (1) RETURNING id") == 1
    assert await secrets.ask("auth", "SELECT version_num FROM alembic_version") == "f00d"


async def test_downgrade_names_a_revision_that_there_is_not(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/conda-store.sqlite"
    await perform("upgrade", "--url", url)
    with pytest.raises(ConfigurationError, match="--to nonsense: Can't locate revision identified by 'nonsense'"):
        await perform("downgrade", "--to", "nonsense", "--url", url)


async def test_database_goes_back_and_forth_with_its_grants_and_rows(secrets: Secrets) -> None:
    await perform(*secrets.words())
    row = "INSERT INTO outbox (service, message_id, routing_key, headers, body) VALUES ('auth', 'm', 'k', '{}', '')"
    await secrets.ask("auth", row)
    back = ("downgrade", "--url-file", str(secrets.directory / "owner"), "--to")
    await perform(*back, "0001")
    await perform(*secrets.words())
    assert await secrets.ask("auth", "DELETE FROM outbox RETURNING service") == "auth"
    await perform(*back, "base")
    await perform(*secrets.words())
    assert await secrets.ask("auth", f"{row} RETURNING service") == "auth"


async def test_login_loses_the_role_of_another_service(secrets: Secrets) -> None:
    await perform(*secrets.words())
    secrets.server.execute(f'GRANT conda_store_api TO "{secrets.database}_auth"')
    await perform(*secrets.words())
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await secrets.ask("auth", "INSERT INTO namespace (name) VALUES ('not-mine')")


async def test_administrator_need_not_be_a_superuser(secrets: Secrets) -> None:
    user = f"{secrets.database}_maker"
    secrets.server.execute(f"CREATE ROLE {user} LOGIN CREATEROLE CREATEDB PASSWORD 'maker'")
    secrets.write("admin", f"postgresql://{user}:maker@127.0.0.1:{secrets.server.port}/postgres")
    await perform(*secrets.words())
    assert await secrets.ask("artifacts", "SELECT count(*) FROM blob") == 0


async def test_command_waits_for_a_server_that_starts_later(secrets: Secrets) -> None:
    secrets.server.stop()
    provisioning = asyncio.create_task(perform(*secrets.words()))
    await asyncio.sleep(2)
    assert not provisioning.done()
    await asyncio.to_thread(secrets.server.start)
    await provisioning
    assert await secrets.ask("auth", "SELECT count(*) FROM token") == 0


async def refusal(secrets: Secrets, *, admin: bool = True) -> str:
    """The message that the command ends with."""
    with pytest.raises(ConfigurationError) as refused:
        await perform(*secrets.words(admin=admin))
    return refused.value.message.replace(f"{secrets.directory}/", "")


async def test_refusals_say_whose_file_and_what_to_do(secrets: Secrets) -> None:
    place = f"127.0.0.1:{secrets.server.port}/{secrets.database}"
    user = f"{secrets.database}_owner"
    assert await refusal(secrets, admin=False) == (
        f'owner: PostgreSQL refuses postgresql://{user}:***@{place}: password authentication failed for user "{user}"'
    )
    secrets.server.execute(f"CREATE ROLE {user} LOGIN PASSWORD 'first-owner'")
    assert await refusal(secrets, admin=False) == (
        f'owner: database "{secrets.database}" does not exist: make it as its owner {user}, or give '
        "--admin-url-file, by which it is made"
    )
    secrets.server.execute(f"CREATE DATABASE {secrets.database} OWNER {user}")
    assert (await refusal(secrets, admin=False)).startswith(
        f"owner: the user {user} may not do that: permission denied to create role.  Logins are made by one with"
    )
    secrets.write_login("auth", "x", user="postgres")
    assert await refusal(secrets) == (
        "auth: postgres may make roles or databases, which is too much for a service: write another user name "
        "there, and it is made"
    )
    secrets.write("auth", "postgresql://nobody@127.0.0.1/x")
    assert (await refusal(secrets)).startswith("auth: an address postgresql://user:password@host:5432/database")
    (secrets.directory / "auth").unlink()
    assert await refusal(secrets) == "auth cannot be read: No such file or directory"


async def test_command_gives_up_a_server_that_never_answers(tmp_path: Path) -> None:
    path = tmp_path / "owner"
    path.write_text(f"postgresql://owner:hidden@127.0.0.1:{free_port()}/none")
    done = await run("upgrade", "--wait", "1", "--url-file", str(path), "--login", f"api={path}")
    assert done.status == 1
    last = done.said.splitlines()[-1]
    assert last.startswith("ERROR: postgresql://owner:***@127.0.0.1:")
    assert last.endswith("/none does not answer, 1 s long")
    assert "hidden" not in done.said


async def test_command_takes_a_schema_one_step_back(tmp_path: Path) -> None:
    path, found = tmp_path / "url", list[str]()
    path.write_text(f"sqlite:///{tmp_path / 'conda-store.sqlite'}")
    async with Database(path.read_text()) as database:
        for command in ("upgrade", "downgrade"):
            await perform(command, "--url-file", str(path))
            async with database.engine.connect() as connection:
                found.append(await connection.scalar(text("SELECT version_num FROM alembic_version")))
    known = known_revisions()
    newest = newest_revision(known)
    assert found == [newest, known[newest]]
