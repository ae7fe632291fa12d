"""Opens what services stand on, as the configuration says, and runs commands over it."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from traitlets.config import Config

from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.bus.options import RabbitOptions
from conda_store_shared.bus.port import Bus
from conda_store_shared.bus.rabbitmq import RabbitBus
from conda_store_shared.config.bus import Bus as BusSection
from conda_store_shared.config.conda_store import CondaStore
from conda_store_shared.config.load import load_config, parser
from conda_store_shared.config.server import CondaStoreServer
from conda_store_shared.config.storage import LocalStorage, S3Storage
from conda_store_shared.db.engine import Database
from conda_store_shared.errors import BusUnavailable, ConfigurationError
from conda_store_shared.logs import configure_logging
from conda_store_shared.storage.filesystem import FilesystemStore
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.storage.s3 import S3Options, S3Store
from conda_store_shared.web.application import WebOptions, create_application
from conda_store_shared.web.health import health_routes
from conda_store_shared.web.metrics import RequestMetrics, metrics_routes
from conda_store_shared.web.routing import prefixed
from conda_store_shared.web.server import Listening, serve
from conda_store_shared.web.unstorable import unstorable_value
from conda_store_shared.worker.service import Coroutine, Service, run_services


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What services stand on; ``database`` is None for services that have none."""

    config: Config
    bus: Bus
    store: ObjectStore
    database: Database | None

    @property
    def required_database(self) -> Database:
        """The database; raises ConfigurationError when the process was started without one."""
        if self.database is None:
            raise ConfigurationError("this service needs a database: set CondaStore.database_url")
        return self.database


Build = Callable[[Resources], Sequence[Service]]


def open_store(config: Config) -> FilesystemStore | S3Store:
    """Return the object store: S3 when S3Storage.internal_endpoint is set, else files."""
    section = S3Storage(config=config)
    if not section.internal_endpoint:
        return FilesystemStore(Path(LocalStorage(config=config).storage_path))
    internal = f"{'https' if section.internal_secure else 'http'}://{section.internal_endpoint}"
    external = f"{'https' if section.external_secure else 'http'}://{section.external_endpoint}"
    return S3Store(
        S3Options(
            bucket=section.bucket_name,
            endpoint=internal,
            external_endpoint=external if section.external_endpoint else None,
            region=section.region,
            access_key=section.access_key or None,
            secret_key=section.secret_key or None,
        )
    )


def open_bus(config: Config, name: str, *, standalone: bool) -> Bus:
    """Return the bus: in memory when standalone, else RabbitMQ; raises ConfigurationError when none is configured."""
    section = BusSection(config=config)
    if standalone:
        return MemoryBus()
    if not section.url:
        raise ConfigurationError(
            f"{name} needs a message broker: set Bus.url=amqp://user:password@host:5672/ in the configuration file "
            "or on the command line, or run everything in one process with `conda-store-server --standalone`"
        )
    return RabbitBus(
        RabbitOptions(
            url=section.url,
            service=name,
            publish_timeout=section.publish_timeout,
            consumer_timeout=section.consumer_timeout,
        )
    )


@asynccontextmanager
async def open_resources(
    config: Config, name: str, *, standalone: bool = False, database: bool = True
) -> AsyncIterator[Resources]:
    """Open everything; raises ConfigurationError."""
    url = CondaStore(config=config).database_url
    if database and not standalone and url.startswith("sqlite"):
        raise ConfigurationError(
            f"{name} shares its database with other processes, which SQLite cannot serve: set "
            "CondaStore.database_url=postgresql://user:password@host/database"
        )
    if database and url.startswith("sqlite:///"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    async with open_store(config) as store:
        bus = open_bus(config, name, standalone=standalone)
        if not database:
            yield Resources(config=config, bus=bus, store=store, database=None)
            return
        async with Database(url) as opened:
            yield Resources(config=config, bus=bus, store=store, database=opened)


async def run_process(build: Build, resources: Resources) -> None:
    """Run services in this process with their routes, health and metrics on one port, until told to stop."""
    services = build(resources)
    section = CondaStoreServer(config=resources.config)
    listening = Listening(
        address=section.address or "0.0.0.0",  # noqa: S104 - as upstream; standalone sets loopback
        port=section.port,
        behind_proxy=section.behind_proxy,
    )
    application = _application(services, resources, section)
    await run_services(services, resources.bus, lambda: serve(application, listening))


def _application(services: Sequence[Service], resources: Resources, section: CondaStoreServer) -> Starlette:
    registry = CollectorRegistry()
    checks = {"bus": _bus_check(resources.bus), "storage": resources.store.check}
    if resources.database is not None:
        checks["database"] = resources.database.check
    routes = [route for service in services for route in service.routes]
    routes += [*metrics_routes(registry)]
    options = WebOptions(
        cors_origins=tuple(section.cors_allow_origins), cors_origin_regex=section.cors_allow_origin_regex
    )
    return create_application(
        [*health_routes(checks), *prefixed(section.url_prefix, routes)],
        options,
        translate=(unstorable_value,),
        observe=RequestMetrics(registry),
    )


def _bus_check(bus: Bus) -> Coroutine:
    async def check() -> None:
        if not bus.healthy:
            raise BusUnavailable("the broker cannot be reached")

    return check


def run_command(name: str, build: Build, *, database: bool = True) -> None:
    """Run one service as the command ``conda-store-<name>``; exits with status 1 when it cannot run as configured."""
    made = parser(f"conda-store-{name}", f"conda-store: the {name} service.")
    arguments, overrides = made.parse_known_args()

    async def run(config: Config) -> None:
        async with open_resources(config, name, database=database) as resources:
            await run_process(build, resources)

    execute(name, lambda: load_config(arguments, overrides), run)


def execute(name: str, load: Callable[[], Config], run: Callable[[Config], Any]) -> None:
    """Load the configuration, set logging up, run; a ConfigurationError ends the process with one clear line."""
    try:
        config = load()
        configure_logging(name, log_level(CondaStoreServer(config=config).log_level))
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run(config))
    except ConfigurationError as error:
        sys.exit(f"ERROR: {error.message}")
    except BaseExceptionGroup as group:
        wrong = group.subgroup(ConfigurationError)
        if wrong is None:
            raise
        sys.exit(f"ERROR: {wrong.exceptions[0]}")


def log_level(value: int | str) -> int:
    """Return a level of Python's by number or name; raises ConfigurationError."""
    level = value if isinstance(value, int) else logging.getLevelNamesMapping().get(value.upper())
    if level is None:
        raise ConfigurationError(f"log level {value!r} is not known; use DEBUG, INFO, WARNING, ERROR or a number")
    return level
