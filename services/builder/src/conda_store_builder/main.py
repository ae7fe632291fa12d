"""Composition root of the builder: wires it from plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from uv import find_uv_bin

from conda_store_builder.adapters.child_installer import CHILD_MODULE, ChildInstaller, InstallSettings
from conda_store_builder.adapters.directory_janitor import DirectoryJanitor
from conda_store_builder.adapters.directory_prefix_store import DirectoryPrefixStore
from conda_store_builder.adapters.symbolic_links import SymbolicLinks
from conda_store_builder.consumers import Tools, subscriptions
from conda_store_shared.bus.port import Bus
from conda_store_shared.child.pool import ChildPool, PoolOptions
from conda_store_shared.contracts.topology import BUILDER
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.worker.service import Service
from conda_store_shared.worker.stage import StageOptions, StageWorker

_CACHE = ".cache"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuilderOptions:
    """How the builder works.

    Builders that share ``store_directory`` serve the same environments.  ``cache_directory`` (default: ``.cache`` in
    the store directory) should be on the same volume, or files are copied instead of linked.  ``concurrency`` installs
    run at once, each within ``memory_bytes``.  ``builds_sdists`` lets pip packages that are no wheels run their own
    code to be built, which nothing confines yet.  ``environment`` is what a child needs beyond the usual (proxies).
    ``heartbeat``, ``deadline`` (of all retries of an attempt together) and ``sweep_interval`` are seconds.
    """

    store_directory: Path
    cache_directory: Path | None = None
    concurrency: int = 2
    memory_bytes: int | None = None
    recycle_bytes: int = 512 * 1024**2
    recycle_calls: int = 50
    builds_sdists: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    heartbeat: float = 10.0
    deadline: float = 1200.0
    sweep_interval: float = 300.0


def build(options: BuilderOptions, *, bus: Bus, store: ObjectStore) -> Service:
    """Wire the builder."""
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
    settings = InstallSettings(
        cache=options.cache_directory or options.store_directory / _CACHE,
        uv=find_uv_bin(),
        memory_bytes=options.memory_bytes,
        builds_sdists=options.builds_sdists,
    )
    tools = Tools(
        bus=bus,
        store=store,
        installer=ChildInstaller(pool, settings, prefixes.canceled),
        prefixes=prefixes,
        links=SymbolicLinks(),
    )
    stages = StageWorker(
        StageOptions(source=BUILDER, heartbeat=options.heartbeat, deadline=options.deadline), bus=bus, store=store
    )
    return Service(
        name=BUILDER,
        subscriptions=subscriptions(tools, stages, options.concurrency),
        background=(DirectoryJanitor(options.store_directory, options.sweep_interval).run,),
        contexts=(pool,),
        interrupt=stages.interrupt,
    )
