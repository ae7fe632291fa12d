"""Remove objects that belong to no build any more."""

from conda_store_artifacts.repositories.blobs import release_blobs
from conda_store_shared.contracts.events import ArtifactDiscarded, ArtifactDiscardRequested
from conda_store_shared.domain.storage_keys import artifact_types_of
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.transaction import Transactions


async def discard_artifacts(
    request: ArtifactDiscardRequested, *, store: ObjectStore, transactions: Transactions
) -> ArtifactDiscarded:
    """Delete every named object, one after the other; those that are gone already do no harm.

    What artifacts share with others stays, and is collected once nobody needs it.
    """
    for key in request.keys:
        await store.delete(key)
    async with transactions.begin() as transaction:
        types = artifact_types_of(request.build_key, request.keys)
        await release_blobs(transaction.session, request.build_id, types)
    return ArtifactDiscarded(build_id=request.build_id, build_key=request.build_key, discard_id=request.discard_id)
