"""Remove objects that belong to no build any more."""

from conda_store_shared.contracts.events import ArtifactDiscarded, ArtifactDiscardRequested
from conda_store_shared.storage.object_store import ObjectStore


async def discard_artifacts(request: ArtifactDiscardRequested, *, store: ObjectStore) -> ArtifactDiscarded:
    """Delete every named object, one after the other; those that are gone already do no harm."""
    for key in request.keys:
        await store.delete(key)
    return ArtifactDiscarded(build_id=request.build_id, build_key=request.build_key, discard_id=request.discard_id)
