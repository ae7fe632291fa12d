"""The commands ``conda-store-server`` and ``conda-store-worker``: the services composed (design §2)."""

import argparse
import ipaddress
import secrets
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from traitlets.config import Config

from conda_store_api.config import read_options as read_api_options
from conda_store_api.main import build as build_api
from conda_store_artifacts.config import read_download_options
from conda_store_artifacts.config import read_options as read_artifacts_options
from conda_store_artifacts.main import build as build_artifacts
from conda_store_artifacts.main import build_downloads
from conda_store_auth.main import build_from as build_auth
from conda_store_builder.config import read_options as read_builder_options
from conda_store_builder.main import build as build_builder
from conda_store_shared.assembly import Build, Resources, execute, open_resources, run_process
from conda_store_shared.config.authentication import AuthenticationBackend, DummyAuthentication
from conda_store_shared.config.conda_store import CondaStore
from conda_store_shared.config.load import load_config, parser
from conda_store_shared.config.server import CondaStoreServer
from conda_store_shared.db.migrate import upgrade
from conda_store_shared.errors import ConfigurationError
from conda_store_shared.worker.service import Service
from conda_store_solver.config import read_options as read_solver_options
from conda_store_solver.main import build as build_solver

LOOPBACK = "127.0.0.1"


def server_services(resources: Resources, *, alone: bool = False) -> Sequence[Service]:
    """Wire api, auth and downloads."""
    config, store = resources.config, resources.store
    return [
        build_auth(resources),
        build_api(read_api_options(config, alone=alone), resources),
        build_downloads(read_download_options(config), database=resources.required_database, store=store),
    ]


def worker_services(resources: Resources) -> Sequence[Service]:
    """Wire solver, builder and artifacts."""
    config, bus, store = resources.config, resources.bus, resources.store
    return [
        build_solver(read_solver_options(config), bus=bus, store=store),
        build_builder(read_builder_options(config), bus=bus, store=store),
        build_artifacts(read_artifacts_options(config), bus=bus, store=store),
    ]


def all_services(resources: Resources) -> Sequence[Service]:
    """Wire everything, for one process."""
    return [*server_services(resources, alone=True), *worker_services(resources)]


def prepare_standalone(config: Config) -> None:
    """Complete a configuration for one process: loopback, its own database, a secret kept beside the data."""
    server = CondaStoreServer(config=config)
    if not server.address:
        config.CondaStoreServer.address = LOOPBACK
    if not AuthenticationBackend(config=config).secret:
        directory = Path(CondaStore(config=config).store_directory).absolute().parent
        config.AuthenticationBackend.secret = kept_secret(directory / "secret")
    _refuse_open_door(config)


def kept_secret(path: Path) -> str:
    """Return the secret kept at ``path``; one is made, readable by its owner alone, when there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x") as file:
            path.chmod(0o600)
            file.write(secrets.token_hex(32))
    except FileExistsError:
        pass
    return path.read_text().strip()


def _refuse_open_door(config: Config) -> None:
    server = CondaStoreServer(config=config)
    section = server.authentication_class(config=config)
    is_open = isinstance(section, DummyAuthentication) and not section.password
    if is_open and not _is_loopback(server.address):
        raise ConfigurationError(
            "DummyAuthentication.password is empty, so anybody could log in as administrator: "
            f"set a password, or listen on {LOOPBACK}"
        )


def _is_loopback(address: str) -> bool:
    try:
        return address == "localhost" or ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _run(name: str, make_parser: Callable[[], argparse.ArgumentParser], build: Build) -> None:
    made = make_parser()
    made.add_argument("--version", action="version", version=version("conda-store-standalone"))
    made.add_argument("--standalone", action="store_true", help="run everything in this one process, without a broker")
    arguments, overrides = made.parse_known_args()
    standalone = arguments.standalone and name == "server"

    def load() -> Config:
        config = load_config(arguments, overrides)
        if standalone:
            prepare_standalone(config)
        else:
            _refuse_open_door(config)
        return config

    async def run(config: Config) -> None:
        async with open_resources(config, f"conda-store-{name}", standalone=standalone) as resources:
            if name == "server":
                await upgrade(resources.required_database)
            await run_process(all_services if standalone else build, resources)

    execute(name, load, run)


def server() -> None:
    """Run the command ``conda-store-server``."""
    description = "conda-store: REST API, login and downloads; with --standalone everything in one process."
    _run("server", lambda: parser("conda-store-server", description), server_services)


def worker() -> None:
    """Run the command ``conda-store-worker``."""
    description = "conda-store: solves, builds and packs what a server asks for over the message broker."
    _run("worker", lambda: parser("conda-store-worker", description), worker_services)


