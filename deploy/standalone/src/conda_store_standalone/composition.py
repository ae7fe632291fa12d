"""Which services run together, wired on shared resources."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from traitlets.config import Config

from conda_store_api.config import read_options as read_api_options
from conda_store_api.main import Parts
from conda_store_api.main import build as build_api
from conda_store_artifacts.config import read_download_options
from conda_store_artifacts.config import read_options as read_artifacts_options
from conda_store_artifacts.main import build as build_artifacts
from conda_store_artifacts.main import build_downloads
from conda_store_auth.config import read_options as read_auth_options
from conda_store_auth.main import build as build_auth
from conda_store_builder.config import read_options as read_builder_options
from conda_store_builder.main import build as build_builder
from conda_store_shared.assembly.database import await_database, open_database, open_own_database, prepare_database
from conda_store_shared.assembly.message_bus import open_bus
from conda_store_shared.assembly.object_storage import open_store
from conda_store_shared.assembly.process import Process
from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.web.unstorable import unstorable_value
from conda_store_shared.worker.service import Service
from conda_store_solver.config import read_options as read_solver_options
from conda_store_solver.main import build as build_solver


def serving(config: Config, parts: Parts, *, alone: bool) -> list[Service]:
    """Wire auth, api and downloads."""
    return [
        build_auth(read_auth_options(config), bus=parts.bus, database=parts.database),
        build_api(read_api_options(config, alone=alone), parts),
        build_downloads(
            read_download_options(config), bus=parts.bus, database=parts.database, store=parts.store
        ),
    ]


def working(config: Config, parts: Parts) -> list[Service]:
    """Wire solver, builder and the making of artifacts."""
    bus, store = parts.bus, parts.store
    return [
        build_solver(read_solver_options(config), bus=bus, store=store),
        build_builder(read_builder_options(config), bus=bus, store=store),
        build_artifacts(read_artifacts_options(config), bus=bus, store=store, database=parts.database),
    ]


@asynccontextmanager
async def assemble_server(config: Config) -> AsyncIterator[Process]:
    """Open and wire what ``conda-store-server`` runs."""
    name = "conda-store-server"
    async with open_store(config) as store, open_database(config, name) as database:
        bus = open_bus(config, name)
        parts = Parts(bus=bus, store=store, database=database)
        services = serving(config, parts, alone=False)
        services += await prepare_database(config, database)
        yield Process(services=services, bus=bus, translate=(unstorable_value,))


@asynccontextmanager
async def assemble_worker(config: Config) -> AsyncIterator[Process]:
    """Open and wire what ``conda-store-worker`` runs."""
    name = "conda-store-worker"
    async with open_store(config) as store, open_database(config, name) as database:
        bus = open_bus(config, name)
        services = working(config, Parts(bus=bus, store=store, database=database))
        services += await await_database(config, database)
        yield Process(services=services, bus=bus)


@asynccontextmanager
async def assemble_standalone(config: Config) -> AsyncIterator[Process]:
    """Open and wire everything, for the only process."""
    async with open_store(config) as store, open_own_database(config) as database:
        bus = MemoryBus()
        parts = Parts(bus=bus, store=store, database=database)
        services = serving(config, parts, alone=True) + working(config, parts)
        services += await prepare_database(config, database)
        yield Process(services=services, bus=bus, translate=(unstorable_value,))
