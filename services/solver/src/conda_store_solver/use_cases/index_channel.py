"""Channel in, list of its packages in the object store out."""

from dataclasses import dataclass

import structlog

from conda_store_shared.contracts.events import ChannelIndexed, IndexRequested
from conda_store_shared.domain.storage_keys import channel_index_key
from conda_store_shared.errors import InvalidChannelIndex, NotFound, StageFailure
from conda_store_shared.storage.channel_lists import read_list_contents
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_solver.ports import ChannelIndexer, IndexFile

_CONTENT_TYPE = "application/octet-stream"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexTools:
    """What the use case works with."""

    store: ObjectStore
    indexer: ChannelIndexer


async def index_channel(request: IndexRequested, tools: IndexTools) -> ChannelIndexed | None:
    """Put the list of a subdir's packages to the object store; None when the channel cannot be read.

    What is there stays then, and the next request tries again.  Raises StorageUnavailable.
    """
    try:
        index = await tools.indexer.index(request.channel, request.subdir)
    except StageFailure as failure:
        log.warning(
            "channel_not_indexed",
            channel=request.channel,
            subdir=request.subdir,
            code=failure.cause,
            reason=failure.detail,
        )
        return None
    if await _stored_digest(request, tools.store) != index.digest:
        await tools.store.put_file(channel_index_key(request.channel, request.subdir), index.path, _CONTENT_TYPE)
    _tell(request, index)
    return ChannelIndexed(channel=request.channel, subdir=request.subdir, index_digest=index.digest)


async def _stored_digest(request: IndexRequested, store: ObjectStore) -> str | None:
    """Digest of the list that is stored; None when there is none, or none that can be read."""
    try:
        return (await read_list_contents(store, request.channel, request.subdir)).digest
    except (NotFound, InvalidChannelIndex):
        return None


def _tell(request: IndexRequested, index: IndexFile) -> None:
    log.info("channel_listed", channel=request.channel, subdir=request.subdir, files=index.files)
    if index.left_out:
        log.warning("records_left_out", channel=request.channel, subdir=request.subdir, count=index.left_out)
