"""Where a user's client finds an artifact."""

from dataclasses import dataclass
from urllib.parse import quote

from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_shared.db.queries.builds import BuildPlace, find_artifact_key
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.storage_keys import artifact_key, content_type_of
from conda_store_shared.storage.object_store import ObjectStore


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedStore:
    """An object store, and the path below which we serve its objects when they have no address of their own."""

    store: ObjectStore
    path: str


async def locate_artifact(
    artifact_type: ArtifactType, place: BuildPlace, session: AsyncSession, *, served: ServedStore
) -> str:
    """Return the object's own address, or its path on this server; whether it exists is not asked."""
    key = await find_artifact_key(session, place.build_id, artifact_type)
    return await address_of(key or artifact_key(artifact_type, place.build_key), served)


async def address_of(key: str, served: ServedStore) -> str:
    """Return the address of the object ``key``, or its path on this server."""
    address = await served.store.address(key, content_type_of(key))
    return address or f"{served.path}/{quote(key)}"
