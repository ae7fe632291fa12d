"""The archive of a build compressed by zstd, made of the other one when somebody asks for it first."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from conda_store_artifacts.ports import Recompressor
from conda_store_shared.db.engine import Database
from conda_store_shared.db.queries.builds import BuildPlace, find_artifact_key
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.storage_keys import content_type_of, zstd_archive_key
from conda_store_shared.errors import NotFound, StorageUnavailable
from conda_store_shared.storage.object_store import ObjectStore


@dataclass(frozen=True, slots=True, kw_only=True)
class ZstdTools:
    """What it is made with; only one at a time, for those who wait are more than the cores."""

    database: Database
    store: ObjectStore
    recompressor: Callable[[], Recompressor]
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


async def provide_zstd_archive(place: BuildPlace, *, tools: ZstdTools) -> str:
    """Return the key of the archive, which is there; raises NotFound for a build that has none."""
    key = zstd_archive_key(place.build_key)
    if await tools.store.head(key) is not None:
        return key
    async with tools.turn:
        # Whoever had the turn before may have made it.
        if await tools.store.head(key) is None:
            await _make(key, await _find_source(place, tools), tools)
    try:
        await _find_source(place, tools)
    except NotFound:
        # The build was deleted meanwhile, and with it everything but this.
        await tools.store.delete(key)
        raise
    return key


async def _make(key: str, source: str, tools: ZstdTools) -> None:
    pieces = tools.recompressor()(tools.store.stream(source))
    try:
        await tools.store.put_stream(key, pieces, content_type_of(key))
    except ValueError as error:
        raise StorageUnavailable(f"object {source!r} is damaged: {error}") from error


async def _find_source(place: BuildPlace, tools: ZstdTools) -> str:
    async with tools.database.session() as session:
        key = await find_artifact_key(session, place.build_id, ArtifactType.CONDA_PACK)
    if not key:
        raise NotFound(f"Build {place.build_id} has no archive")
    return key
