"""Composition root of the builder: wires it from plain values."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import structlog
from traitlets.config import Config
from uv import find_uv_bin

from conda_store_builder.adapters.child_installer import CHILD_MODULE, ChildInstaller, InstallSettings
from conda_store_builder.adapters.directory_janitor import DirectoryJanitor
from conda_store_builder.adapters.directory_meter import DirectoryMeter
from conda_store_builder.adapters.directory_prefix_store import DirectoryPrefixStore
from conda_store_builder.adapters.path_watcher import PathWatcher, WatchOptions
from conda_store_builder.adapters.symbolic_links import SymbolicLinks
from conda_store_builder.config import BuilderOptions, read_options
from conda_store_builder.consumers import Tools, subscriptions
from conda_store_shared.assembly.message_bus import open_bus
from conda_store_shared.assembly.object_storage import open_store
from conda_store_shared.assembly.process import Process, run_command
from conda_store_shared.bus.port import Bus
from conda_store_shared.child.pool import ChildPool, PoolOptions
from conda_store_shared.conda.sandbox.confinement import check_sandbox
from conda_store_shared.contracts.topology import BUILDER
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.worker.service import Coroutine, Service
from conda_store_shared.worker.stage import StageOptions, StageWorker

_CACHE = ".cache"
log = structlog.get_logger()


def build(options: BuilderOptions, *, bus: Bus, store: ObjectStore) -> Service:
    """Wire the builder; raises ConfigurationError where code of packages is to be confined and cannot be."""
    unconfined = check_sandbox(options.sandbox)
    if unconfined is not None:
        log.warning("code_of_packages_is_not_confined", reason=unconfined, option="CondaStoreWorker.sandbox")
    pool = ChildPool(
        PoolOptions(
            preload=(CHILD_MODULE,),
            spares=options.concurrency,
            max_calls=options.recycle_calls,
            max_bytes=options.recycle_bytes,
            environment=options.environment,
        )
    )
    prefixes = DirectoryPrefixStore(options.store_directory)
    cache = options.cache_directory or options.store_directory / _CACHE
    settings = InstallSettings(
        cache=cache,
        uv=find_uv_bin(),
        memory_bytes=options.memory_bytes,
        builds_sdists=options.builds_sdists,
        sandbox=options.sandbox,
        limits=options.limits,
        credentials=options.channel_credentials,
        pip_environment=options.pip_environment,
    )
    tools = Tools(
        bus=bus,
        store=store,
        installer=ChildInstaller(pool, settings, prefixes.canceled),
        prefixes=prefixes,
        links=SymbolicLinks(options.store_directory),
    )
    stages = StageWorker(
        StageOptions(source=BUILDER, heartbeat=options.heartbeat, deadline=options.deadline), bus=bus, store=store
    )
    return Service(
        name=BUILDER,
        subscriptions=subscriptions(tools, stages, options.concurrency),
        background=(
            DirectoryJanitor(options.store_directory, cache, options.sweep_interval).run,
            DirectoryMeter(bus, options.store_directory, options.measure_interval).run,
            *_watching(options, bus, store),
        ),
        pools=(pool,),
        interrupt=stages.interrupt,
    )


def _watching(options: BuilderOptions, bus: Bus, store: ObjectStore) -> Sequence[Coroutine]:
    if not options.watch_paths:
        return ()
    watched = WatchOptions(paths=options.watch_paths, interval=options.watch_interval)
    return (PathWatcher(watched, bus, store).run,)


@asynccontextmanager
async def assemble(config: Config) -> AsyncIterator[Process]:
    """Open what the service stands on and wire it; raises ConfigurationError."""
    async with open_store(config) as store:
        bus = open_bus(config, BUILDER)
        yield Process(services=[build(read_options(config), bus=bus, store=store)], bus=bus)


def main() -> None:
    """Run the command ``conda-store-builder``."""
    run_command(BUILDER, "installs lockfiles into prefixes.", assemble)
