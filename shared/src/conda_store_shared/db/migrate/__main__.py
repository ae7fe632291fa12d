"""The command ``python -m conda_store_shared.db.migrate``."""

import argparse
import asyncio
import logging
import sys
from collections import defaultdict
from functools import partial
from pathlib import Path

from alembic import command
from alembic.util import CommandError

from conda_store_shared.db.engine import Database, async_url
from conda_store_shared.db.migrate import alembic_config, downgrade, upgrade
from conda_store_shared.db.migrate.logins import SERVICES, Login, read_login, read_url
from conda_store_shared.db.migrate.provision import Provision, explained, provision, wait_for_database
from conda_store_shared.errors import CondaStoreError, ConfigurationError
from conda_store_shared.logs import configure_logging

_EPILOG = """\
With --login the database is made all that the services need, in one go that may be repeated at any time:

  python -m conda_store_shared.db.migrate upgrade --admin-url-file secrets/admin --url-file secrets/owner \\
      --login api=secrets/api --login auth=secrets/auth --login artifacts=secrets/artifacts

makes the owner, the database and the logins of the services if they are missing, gives them the passwords that the
files hold now, upgrades the schema, and grants to each service what is its own.  A file holds one address,
postgresql://user:password@host:5432/database, and is the one that the service itself is given.
"""


async def perform(*words: str) -> None:
    """Do what the words of a command line say; raises ConfigurationError, DatabaseUnavailable."""
    arguments = _parser().parse_args(words)
    if arguments.login:
        owner, administrator = _owner(arguments), arguments.admin_url_file and read_login(arguments.admin_url_file)
        services: dict[str, list[Login]] = defaultdict(list)
        for service, path in arguments.login:
            services[service].append(read_login(path))
        await wait_for_database(administrator or owner, arguments.wait)
        return await provision(Provision(owner=owner, services=services, administrator=administrator))
    path = arguments.url_file
    plain = Login(url=read_url(path) if path else async_url(arguments.url), source=str(path or "--url"))
    async with explained(plain), Database(plain.url) as database:
        await _change(database, arguments)


def _owner(arguments: argparse.Namespace) -> Login:
    if arguments.command != "upgrade" or not arguments.url_file:
        raise ConfigurationError("--login belongs to `upgrade --url-file FILE`: the owner of the tables")
    return read_login(arguments.url_file)


async def _change(database: Database, arguments: argparse.Namespace) -> None:
    if arguments.command == "upgrade":
        return await upgrade(database)
    if arguments.command == "downgrade":
        try:
            return await downgrade(database, arguments.to)
        except CommandError as error:
            raise ConfigurationError(f"--to {arguments.to}: {error}") from error
    async with database.engine.begin() as connection:
        revise = partial(command.revision, message=arguments.name, autogenerate=True)
        await connection.run_sync(lambda sync: revise(alembic_config(sync)))


def _login(text: str) -> tuple[str, Path]:
    service, _, path = text.partition("=")
    if service not in SERVICES or not path:
        raise argparse.ArgumentTypeError(f"{text!r} is no SERVICE=FILE; a service is {', '.join(SERVICES)}")
    return service, Path(path)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m conda_store_shared.db.migrate",
        description="Brings a database to the newest schema, or back to an older one.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=["upgrade", "downgrade", "revision"])
    owner = parser.add_mutually_exclusive_group(required=True)
    owner.add_argument(
        "--url-file", type=Path, help="file with the address of the database, as the owner of its tables"
    )
    owner.add_argument("--url", help="the address itself; everybody on the machine can read a password in it")
    parser.add_argument("--admin-url-file", type=Path, help="file with the address of one who may make logins")
    parser.add_argument(
        "--login", action="append", type=_login, metavar="SERVICE=FILE", help="file with the address of a service"
    )
    parser.add_argument("--wait", type=float, default=60.0, help="seconds to wait for the server, with --login")
    parser.add_argument("--to", default="-1", help="where to downgrade: a revision, or -1 for one step back")
    parser.add_argument("--name", default="change", help="what the new revision does")
    return parser


def main() -> int:
    """Run the command; 1 when it cannot do what it should."""
    configure_logging("migrate", logging.INFO)
    try:
        asyncio.run(perform(*sys.argv[1:]))
    except CondaStoreError as error:
        sys.stderr.write(f"ERROR: {error.message}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
