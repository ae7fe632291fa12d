"""Composition root of artifacts."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import cache, partial
from importlib import import_module
from importlib.metadata import version

from traitlets.config import Config
from uv import find_uv_bin

from conda_store_artifacts.adapters.child_archive_ends import ChildArchiveEnds
from conda_store_artifacts.adapters.child_fragment_maker import ChildFragmentMaker, FragmentSettings
from conda_store_artifacts.adapters.child_layer_maker import ChildLayerMaker
from conda_store_artifacts.adapters.child_prefix_rebuilder import ChildPrefixRebuilder, RebuildSettings
from conda_store_artifacts.adapters.conda_pack_packer import CondaPackPacker, pool_options
from conda_store_artifacts.adapters.ed25519_signer import Ed25519Signer
from conda_store_artifacts.adapters.fragment_cache import FragmentCache
from conda_store_artifacts.adapters.work_directory import WorkDirectory
from conda_store_artifacts.background import GarbageCollector, LogWatch
from conda_store_artifacts.config import ArtifactsOptions, DownloadOptions, read_download_options, read_options
from conda_store_artifacts.ports import Recompressor, Registries
from conda_store_artifacts.routes import ROUTES
from conda_store_artifacts.routes.context import Downloads
from conda_store_artifacts.use_cases.artifact_tools import Tools
from conda_store_artifacts.use_cases.await_image import PullTools
from conda_store_artifacts.use_cases.discard_artifacts import discard_artifacts
from conda_store_artifacts.use_cases.follow_log import FollowTools
from conda_store_artifacts.use_cases.image_tools import ImageTools
from conda_store_artifacts.use_cases.provide_fragments import SCRATCH, FragmentTools
from conda_store_artifacts.use_cases.provide_zstd_archive import ZstdTools
from conda_store_artifacts.use_cases.store_artifact import store_artifact
from conda_store_shared.assembly.authentication import wire_authentication
from conda_store_shared.assembly.database import await_database, open_database
from conda_store_shared.assembly.message_bus import open_bus
from conda_store_shared.assembly.object_storage import open_store
from conda_store_shared.assembly.process import Process, run_command
from conda_store_shared.bus.port import Bus, Subscription
from conda_store_shared.child.pool import ChildPool
from conda_store_shared.conda.package_cache import remove_unused
from conda_store_shared.contracts.envelope import Envelope
from conda_store_shared.contracts.events import (
    ArtifactDiscardRequested,
    ArtifactRequested,
    ArtifactStored,
    BuildCanceled,
)
from conda_store_shared.contracts.topology import ARTIFACTS, queue_name
from conda_store_shared.db.engine import Database
from conda_store_shared.db.notices import Listener
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.transaction import EVENT_NOTICES, Transactions
from conda_store_shared.web.routing import provide
from conda_store_shared.web.unstorable import unstorable_value
from conda_store_shared.worker.reporter import publish_until_taken
from conda_store_shared.worker.service import Service
from conda_store_shared.worker.stage import StageContext, StageOptions, StageWorker

# Removals are short, and must not wait for packing.
_SHORT_WORK = 4
# Seconds between the looks of somebody who waits for an image; on SQLite nothing tells of a change.
_LOOK_WITH_NOTICES, _LOOK_WITHOUT = 5.0, 0.5


def build(options: ArtifactsOptions, *, bus: Bus, store: ObjectStore, database: Database) -> Service:
    """Wire the half that makes artifacts."""
    caches: list[Callable[[float], None]] = [partial(remove_unused, options.cache_directory)]
    copies = FragmentCache(store, options.fragment_directory) if options.fragment_directory else None
    if copies:
        store = copies
        caches.append(copies.remove_unused)
    pool = ChildPool(pool_options(options.concurrency))
    tools = _tools(options, pool, store, copies, Transactions(database, ARTIFACTS))
    worker = StageWorker(
        StageOptions(source=ARTIFACTS, heartbeat=options.heartbeat, deadline=options.deadline), bus=bus, store=store
    )

    async def make(request: ArtifactRequested, context: StageContext) -> ArtifactStored:
        return await store_artifact(request, context, tools=tools)

    async def discard(envelope: Envelope) -> None:
        if isinstance(envelope.event, ArtifactDiscardRequested):
            discarded = await discard_artifacts(envelope.event, store=store, transactions=tools.transactions)
            await publish_until_taken(bus, ARTIFACTS, envelope, discarded)

    return Service(
        name=ARTIFACTS,
        subscriptions=(
            Subscription(
                queue=queue_name(ARTIFACTS, ArtifactRequested),
                handler=worker.handler(lambda request: f"artifact.{request.artifact_type}", make),
                concurrency=options.concurrency,
            ),
            Subscription(
                queue=queue_name(ARTIFACTS, ArtifactDiscardRequested), handler=discard, concurrency=_SHORT_WORK
            ),
            Subscription(event=BuildCanceled, handler=worker.on_build_canceled),
        ),
        contexts=(WorkDirectory(options.work_directory, SCRATCH),),
        background=(_collector(options, tools, caches).run,),
        pools=(pool,),
        interrupt=worker.interrupt,
        checks={"database": database.check, "storage": store.check},
    )


def _collector(
    options: ArtifactsOptions, tools: Tools, caches: Sequence[Callable[[float], None]]
) -> GarbageCollector:
    return GarbageCollector(
        transactions=tools.transactions,
        store=tools.store,
        caches=caches,
        grace=options.grace,
        interval=options.collect_interval,
    )


def _tools(
    options: ArtifactsOptions,
    pool: ChildPool,
    store: ObjectStore,
    copies: FragmentCache | None,
    transactions: Transactions,
) -> Tools:
    settings = FragmentSettings(
        cache=options.cache_directory,
        lent=options.lent_caches,
        threads=options.pack.threads,
        memory_bytes=options.memory_bytes,
        credentials=options.channel_credentials,
        limits=options.limits,
    )
    rebuild = RebuildSettings(
        fragments=settings, uv=find_uv_bin(), builds_sdists=options.builds_sdists, sandbox=options.sandbox
    )
    return Tools(
        fragments=FragmentTools(
            transactions=transactions,
            store=store,
            maker=ChildFragmentMaker(pool, settings),
            work_directory=options.work_directory,
            copies=copies,
            fresh=timedelta(seconds=options.grace / 4),
        ),
        ends=ChildArchiveEnds(pool, options.pack.level),
        packer=CondaPackPacker(pool, options.pack),
        rebuilder=ChildPrefixRebuilder(pool, rebuild),
        images=ImageTools(
            options=options.images,
            layers=ChildLayerMaker(pool, options.pack.threads),
            registries=_registries,
        ),
        level=options.pack.level,
    )


@cache
def _registries() -> Registries:
    """The client of registries of others: it takes megabytes, and most images are made without it."""
    client: Registries = import_module("conda_store_artifacts.adapters.registry_client").RegistryClient()
    return client


@cache
def _recompressor() -> Recompressor:
    """Of two libraries that most processes never need."""
    recompressor: Recompressor = import_module("conda_store_artifacts.adapters.zstd_recompressor").recompressed
    return recompressor


def build_downloads(options: DownloadOptions, *, bus: Bus, database: Database, store: ObjectStore) -> Service:
    """Wire the half that serves downloads; raises ConfigurationError for a missing or short secret, or no key."""
    authentication = wire_authentication(options.authorization, ARTIFACTS, bus=bus, database=database)
    signer = Ed25519Signer(options.signing_key) if options.signing_key else None
    downloads = Downloads(
        database=database,
        store=store,
        url_prefix=options.url_prefix.rstrip("/"),
        registry=options.registry,
        version=version("conda-store-artifacts"),
        builder=options.builder_id or (f"urn:conda-store:{signer.key_id}" if signer else ""),
        signer=signer,
        zstd=ZstdTools(database=database, store=store, recompressor=_recompressor),
    )
    pulls = PullTools(
        database=database,
        bus=bus,
        limit=options.pull_limit,
        look=_LOOK_WITH_NOTICES if database.is_postgres else _LOOK_WITHOUT,
    )
    listener = Listener(database, EVENT_NOTICES, pulls.notices.hear)
    following = FollowTools(database=database)
    return Service(
        name=ARTIFACTS,
        subscriptions=(authentication.subscription,),
        background=(
            authentication.background,
            listener.run,
            LogWatch(database=database, notices=following.notices).run,
        ),
        routes=provide(ROUTES, authentication.authenticator, downloads, database, pulls, following),
        checks={"database": database.check, "storage": store.check},
    )


@asynccontextmanager
async def assemble(config: Config) -> AsyncIterator[Process]:
    """Open what the service stands on and wire both halves; raises ConfigurationError."""
    async with open_store(config) as store, open_database(config, ARTIFACTS) as database:
        bus = open_bus(config, ARTIFACTS)
        services = [
            build(read_options(config), bus=bus, store=store, database=database),
            build_downloads(read_download_options(config), bus=bus, database=database, store=store),
        ]
        schema = await await_database(config, database)
        yield Process(services=[*services, *schema], bus=bus, translate=(unstorable_value,))


def main() -> None:
    """Run the command ``conda-store-artifacts``."""
    run_command(ARTIFACTS, "packs prefixes into archives, and serves downloads.", assemble)
