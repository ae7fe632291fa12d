"""PostgreSQL: an own cluster per run, and databases cloned from a template in a tenth of a second."""

import asyncio
import itertools
import re
import secrets
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from conda_store_shared.db.migrate.logins import SERVICES, Login
from conda_store_shared.db.migrate.provision import Provision, provision
from conda_store_shared.testing.servers.process import (
    ServerNotReady,
    ServerProcess,
    find_program,
    free_port,
    memory,
    wait_until,
)

PACKAGE = "postgresql"
PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
DRIVER = "postgresql+asyncpg"

_PASSWORD = "password-of-a-service"
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_wal_size": "256MB"}
SETTINGS = {
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "64MB",
    "max_connections": "300",
    "log_min_messages": "warning",
}


class Databases:
    """Creates and drops databases on a running PostgreSQL, by psql."""

    def __init__(self, admin_url: str) -> None:
        """`admin_url` is a libpq URL of a role that may create databases."""
        self.admin_url = admin_url
        run = secrets.token_hex(4)
        self._names = (f"test_{run}_{number}" for number in itertools.count(1))

    def create_database(self, template: str | None = None) -> str:
        """Create a database, empty or as a clone of `template` (a name or a URL); return its SQLAlchemy URL.

        Nobody may be connected to the template meanwhile.
        """
        name = next(self._names)
        clone = f" TEMPLATE {_quoted(database_name(template))} STRATEGY file_copy" if template else ""
        self.execute(f"CREATE DATABASE {_quoted(name)}{clone}")
        return self.url(name)

    def drop_database(self, database: str) -> None:
        """Drop a database, given by name or URL, with its connections and logins; no error if there is none."""
        name = database_name(database)
        logins = ", ".join(_quoted(f"{name}_{service}") for service in SERVICES)
        self._run(f"DROP DATABASE IF EXISTS {_quoted(name)} WITH (FORCE)", f"DROP ROLE IF EXISTS {logins}")

    def narrow(self, url: str) -> Mapping[str, str]:
        """Make a login for each service that has tables in a database with our schema; return the URL of each.

        Each may write what its service owns, and nothing else.
        """
        name = database_name(url)
        parts = urlsplit(url)
        place = parts.netloc.rpartition("@")[2]
        urls = {
            service: urlunsplit(parts._replace(netloc=f"{name}_{service}:{_PASSWORD}@{place}")) for service in SERVICES
        }
        logins = {service: [Login(url=one, source=service)] for service, one in urls.items()}
        asyncio.run(provision(Provision(owner=Login(url=url, source="owner"), services=logins)))
        return urls

    def url(self, name: str) -> str:
        """The SQLAlchemy URL of a database."""
        parts = urlsplit(self.admin_url)
        return urlunsplit((DRIVER, parts.netloc, f"/{name}", parts.query, ""))

    def execute(self, statement: str, database: str | None = None) -> str:
        """Run one SQL statement as administrator, in a database given by its URL; return the rows as unaligned text.

        Raises ServerNotReady with PostgreSQL's reason if it is refused.
        """
        return self._run(statement, place=database.replace(DRIVER, "postgresql") if database else "")

    def _run(self, *statements: str, place: str = "") -> str:
        """Run each by itself, by one connection: to start psql costs as much as what it is started for."""
        psql = find_program("psql", "postgresql-client", *PLACES)
        commands = [part for statement in statements for part in ("-c", statement)]
        done = subprocess.run(
            [str(psql), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", place or self.admin_url, *commands],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise ServerNotReady(f"PostgreSQL refused {'; '.join(statements)!r}: {done.stderr.strip()}")
        return done.stdout


class ExternalPostgres(Databases):
    """A PostgreSQL that somebody else runs, named by a URL with or without a driver."""

    def __init__(self, url: str) -> None:
        super().__init__(re.sub(r"^postgresql\+\w+:", "postgresql:", url))


class Postgres(ServerProcess, Databases):
    """PostgreSQL on a loopback port, trusting everyone unless it has a `password`; fast and unsafe unless `durable`.

    Without `durable` a SIGKILL may lose what was committed in the last moment; with it fsync and
    synchronous commits are on, and it must not.
    """

    name = "postgres"
    stop_signal = signal.SIGINT

    def __init__(self, *, durable: bool = False, password: str = "") -> None:
        """`password` is the administrator's; with one, everybody needs theirs."""
        self.programs = find_program("postgres", PACKAGE, *PLACES).parent
        # A database is 300 files, and many tests have one: on disk each would take several times as long.
        ServerProcess.__init__(self, user="postgres", place=None if durable else memory())
        self.port = free_port()
        account = f"postgres:{password}" if password else "postgres"
        Databases.__init__(self, f"postgresql://{account}@127.0.0.1:{self.port}/postgres")
        self.password = password
        self.durable = durable
        self.data = self.directory / "data"
        self.socket = self.directory / f".s.PGSQL.{self.port}"

    def prepare(self) -> None:
        if not self.data.exists():
            method = ("-A", "scram-sha-256", "--pwfile", self._password_file()) if self.password else ("-A", "trust")
            self.run(
                *(self.programs / "initdb", "-D", self.data, "-U", "postgres", *method),
                *("-E", "UTF8", "--locale=C.UTF-8", "--no-sync"),
            )

    def _password_file(self) -> Path:
        path = self.directory / "password"
        path.write_text(self.password)
        path.chmod(0o644)
        return path

    def command(self) -> Sequence[str | Path]:
        settings = {
            **SETTINGS,
            **({} if self.durable else FAST),
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.directory),
        }
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [self.programs / "postgres", "-D", self.data, *flags]

    def is_ready(self) -> bool:
        ask = [str(self.programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return self.socket.exists() and subprocess.run(ask, check=False).returncode == 0

    def kill(self) -> None:
        """SIGKILL the postmaster and every backend at once, as a power cut would; the data stays."""
        super().kill()
        self.socket.unlink(missing_ok=True)
        self.socket.with_name(f"{self.socket.name}.lock").unlink(missing_ok=True)
        if not wait_until(lambda: not self.is_ready(), self.stop_timeout):
            raise ServerNotReady("PostgreSQL still answers after SIGKILL")


def database_name(database: str) -> str:
    """The name of a database given by name or by URL."""
    return urlsplit(database).path.lstrip("/") if "://" in database else database


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
