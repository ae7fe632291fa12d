"""Composition root of artifacts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from conda_store_artifacts.adapters.conda_pack_packer import CondaPackPacker, PackOptions, pool_options
from conda_store_artifacts.adapters.work_directory import WorkDirectory
from conda_store_artifacts.routes import ROUTES
from conda_store_artifacts.routes.context import Downloads
from conda_store_artifacts.use_cases.discard_artifacts import discard_artifacts
from conda_store_artifacts.use_cases.store_artifact import PACKING, Tools, store_artifact
from conda_store_shared.bus.port import Bus, Subscription
from conda_store_shared.child.pool import ChildPool
from conda_store_shared.contracts.envelope import Envelope
from conda_store_shared.contracts.events import (
    ArtifactDiscardRequested,
    ArtifactRequested,
    ArtifactStored,
    BuildCanceled,
)
from conda_store_shared.contracts.topology import ARTIFACTS, queue_name
from conda_store_shared.db.engine import Database
from conda_store_shared.db.queries.role_bindings import list_role_bindings
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.web.authentication import Authenticator, AuthorizationOptions
from conda_store_shared.web.routing import PathRoute, prefixed, provide
from conda_store_shared.worker.service import Service
from conda_store_shared.worker.stage import StageContext, StageOptions, StageWorker


@dataclass(frozen=True, slots=True, kw_only=True)
class PackingOptions:
    """How artifacts are made.

    ``concurrency`` are made at once, each archive below ``work_directory`` on local disk first.  ``heartbeat`` and
    ``deadline`` (of all retries of an attempt together) are seconds; the deadline of one artifact is in its order.
    """

    work_directory: Path
    concurrency: int = 1
    pack: PackOptions = field(default_factory=PackOptions)
    heartbeat: float = 10.0
    deadline: float = 1200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadOptions:
    """Who may download, and below which path of the public address."""

    authorization: AuthorizationOptions
    role_mappings_version: int = 1
    url_prefix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactsOptions:
    """Both halves of the service."""

    packing: PackingOptions
    downloads: DownloadOptions


def build(options: ArtifactsOptions, *, bus: Bus, store: ObjectStore, database: Database) -> Service:
    """Wire the whole service; raises ConfigurationError for a missing or short secret, or unreadable role bindings."""
    packing = build_packing(options.packing, bus=bus, store=store)
    return Service(
        name=ARTIFACTS,
        subscriptions=packing.subscriptions,
        contexts=packing.contexts,
        interrupt=packing.interrupt,
        routes=wire_routes(options.downloads, database=database, store=store),
        checks={"database": database.check, "storage": store.check},
    )


def build_packing(options: PackingOptions, *, bus: Bus, store: ObjectStore) -> Service:
    """Wire the half that makes artifacts, which needs no database."""
    pool = ChildPool(pool_options(options.concurrency))
    tools = Tools(store=store, packer=CondaPackPacker(pool, options.pack), work_directory=options.work_directory)
    worker = StageWorker(
        StageOptions(source=ARTIFACTS, heartbeat=options.heartbeat, deadline=options.deadline), bus=bus, store=store
    )

    async def make(request: ArtifactRequested, context: StageContext) -> ArtifactStored:
        return await store_artifact(request, context, tools=tools)

    async def discard(envelope: Envelope) -> None:
        if isinstance(envelope.event, ArtifactDiscardRequested):
            await discard_artifacts(envelope.event, store=store)

    return Service(
        name=ARTIFACTS,
        subscriptions=(
            Subscription(
                queue=queue_name(ARTIFACTS, ArtifactRequested),
                handler=worker.handler(lambda request: f"artifact.{request.artifact_type}", make),
                concurrency=options.concurrency,
            ),
            Subscription(queue=queue_name(ARTIFACTS, ArtifactDiscardRequested), handler=discard),
            Subscription(event=BuildCanceled, handler=worker.on_build_canceled),
        ),
        contexts=(WorkDirectory(options.work_directory, PACKING), pool),
        interrupt=worker.interrupt,
        checks={"storage": store.check},
    )


def wire_routes(options: DownloadOptions, *, database: Database, store: ObjectStore) -> list[PathRoute]:
    """Return the route table of the half that serves downloads; raises ConfigurationError."""

    async def database_bindings(primary_namespace: str) -> Mapping[str, Sequence[str]]:
        async with database.session() as session:
            return await list_role_bindings(session, primary_namespace, options.role_mappings_version)

    authenticator = Authenticator(options.authorization, database_bindings)
    url_prefix = options.url_prefix.rstrip("/")
    downloads = Downloads(database=database, store=store, url_prefix=url_prefix)
    return prefixed(url_prefix, provide(ROUTES, authenticator, downloads))
