"""Composition root of artifacts."""


from conda_store_artifacts.adapters.conda_pack_packer import CondaPackPacker, pool_options
from conda_store_artifacts.adapters.work_directory import WorkDirectory
from conda_store_artifacts.config import ArtifactsOptions, read_options
from conda_store_artifacts.use_cases.discard_artifacts import discard_artifacts
from conda_store_artifacts.use_cases.store_artifact import PACKING, Tools, store_artifact
from conda_store_shared.assembly import run_command
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
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.worker.service import Service
from conda_store_shared.worker.stage import StageContext, StageOptions, StageWorker


def build(options: ArtifactsOptions, *, bus: Bus, store: ObjectStore) -> Service:
    """Wire the service."""
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


def main() -> None:
    """Run the command ``conda-store-artifacts``."""
    run_command(
        ARTIFACTS,
        lambda resources: [build(read_options(resources.config), bus=resources.bus, store=resources.store)],
        database=True,
    )
