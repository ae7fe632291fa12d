"""The logins of the database: one for each service, and the one that owns the tables."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection

from conda_store_shared.db.engine import async_url
from conda_store_shared.db.migrate.scram import scram_verifier
from conda_store_shared.errors import ConfigurationError

# Those that have tables, and so a role each in grants.sql.
SERVICES = ("api", "auth", "artifacts")
# A service gives a statement up much earlier; this is for a process that cannot.
_LIMITS = {"statement_timeout": "60s", "lock_timeout": "60s", "idle_in_transaction_session_timeout": "60s"}
_SALT_BYTES = 16
_ABOUT = text("SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication FROM pg_roles WHERE rolname = :name")
_SHARE_OF_CONNECTIONS = text(
    "SELECT greatest(setting::int * 3 / 4, 10) FROM pg_settings WHERE name = 'max_connections'"
)
_IS_SUPERUSER = text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
_DATABASE_OWNER = text("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = :name")


# Roles are those of the whole server: another database may make them this moment.
_MAKE_ROLE = """\
DO $$ BEGIN
    CREATE ROLE {role} NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END $$"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Whom an address of the database logs in, and the file that holds it."""

    url: str = field(repr=False)
    source: str

    @property
    def name(self) -> str:
        """The user's name."""
        return self._parsed.username or ""

    @property
    def database(self) -> str:
        """The database's name."""
        return self._parsed.database or ""

    @property
    def verifier(self) -> str:
        """What PostgreSQL is to keep of the password."""
        return scram_verifier(str(self._parsed.password), secrets.token_bytes(_SALT_BYTES))

    @property
    def place(self) -> str:
        """Where that is, for a message to a person: without the password."""
        return self._parsed.set(drivername="postgresql").render_as_string(hide_password=True)

    @property
    def _parsed(self) -> URL:
        return make_url(self.url)


def read_url(path: Path) -> str:
    """Return the address that a file holds; raises ConfigurationError, which does not show it."""
    try:
        held = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigurationError(f"{path} cannot be read: {reason}") from error
    try:
        return async_url(held)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error.message}") from None


def read_login(path: Path) -> Login:
    """Return the login that a file holds the address of; raises ConfigurationError for one that lacks something."""
    login = Login(url=read_url(path), source=str(path))
    parsed = make_url(login.url)
    password = str(parsed.password or "")
    if parsed.get_backend_name() != "postgresql" or not (login.name and login.database and password):
        raise ConfigurationError(
            f"{path}: an address postgresql://user:password@host:5432/database is needed, with each of these parts"
        )
    if not (password.isascii() and password.isprintable()):
        raise ConfigurationError(f"{path}: a password of printable ASCII characters is needed")
    return login


async def make_owner(connection: AsyncConnection, owner: Login) -> None:
    """Make the login that owns the database, and the database; ``connection`` commits each statement."""
    await _make_login(connection, owner)
    if not await connection.scalar(_IS_SUPERUSER):
        # Whoever gives a database away must belong to the new owner.
        await _run(connection, f"GRANT {quoted(owner.name)} TO CURRENT_USER")
    current = await connection.scalar(_DATABASE_OWNER, {"name": owner.database})
    if current is None:
        await _run(connection, f"CREATE DATABASE {quoted(owner.database)} OWNER {quoted(owner.name)}")
    elif current != owner.name:
        await _run(connection, f"ALTER DATABASE {quoted(owner.database)} OWNER TO {quoted(owner.name)}")


async def make_roles(connection: AsyncConnection) -> None:
    """Make the roles of grants.sql."""
    for service in SERVICES:
        if await connection.scalar(_ABOUT, {"name": _role(service)}) is None:
            await _run(connection, _MAKE_ROLE.format(role=_role(service)))


async def make_service_logins(connection: AsyncConnection, logins: Mapping[str, Sequence[Login]]) -> None:
    """Make logins of services, with their passwords and limits: each belongs to its service's role, and to no other.

    Raises ConfigurationError for one that may do more than a service should.
    """
    connections = await connection.scalar(_SHARE_OF_CONNECTIONS)
    for service, of_service in logins.items():
        for login in of_service:
            if await connection.scalar(_ABOUT, {"name": login.name}):
                raise ConfigurationError(
                    f"{login.source}: {login.name} may make roles or databases, which is too much for a service: "
                    "write another user name there, and it is made"
                )
            await _make_login(connection, login)
            name = quoted(login.name)
            # So many that a service gone mad leaves some to the others.
            await _run(connection, f"ALTER ROLE {name} CONNECTION LIMIT {connections}")
            for limit, value in _LIMITS.items():
                await _run(connection, f"ALTER ROLE {name} SET {limit} = '{value}'")
            await _run(connection, f"GRANT {_role(service)} TO {name}")
            for other in SERVICES:
                if other != service and await _belongs(connection, login.name, other):
                    await _run(connection, f"REVOKE {_role(other)} FROM {name}")


async def _belongs(connection: AsyncConnection, name: str, service: str) -> bool:
    asked = text("SELECT pg_has_role(:name, :role, 'MEMBER')")
    return bool(await connection.scalar(asked, {"name": name, "role": _role(service)}))


async def _make_login(connection: AsyncConnection, login: Login) -> None:
    is_new = await connection.scalar(_ABOUT, {"name": login.name}) is None
    verb = "CREATE" if is_new else "ALTER"
    await _run(connection, f"{verb} ROLE {quoted(login.name)} LOGIN PASSWORD '{login.verifier}'")


async def _run(connection: AsyncConnection, statement: str) -> None:
    # As it stands: what looks like a parameter in a verifier is none.
    await connection.exec_driver_sql(statement)


def _role(service: str) -> str:
    return f"conda_store_{service}"


def quoted(name: str) -> str:
    """Return a name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'
