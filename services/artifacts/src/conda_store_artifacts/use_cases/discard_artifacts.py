"""Remove objects that belong to no build any more."""

from conda_store_shared.contracts.events import ArtifactDiscardRequested
from conda_store_shared.storage.object_store import ObjectStore


async def discard_artifacts(request: ArtifactDiscardRequested, *, store: ObjectStore) -> None:
    """Delete every named object; those that are gone already do no harm."""
    for key in request.keys:
        await store.delete(key)
