"""A layer that is no package's: the one that was made before, or a new one."""

import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from conda_store_artifacts.domain.fragment import Blob
from conda_store_artifacts.ports import MadeLayer
from conda_store_artifacts.repositories.blobs import touch_blobs
from conda_store_artifacts.repositories.fragments import add_layer, find_fragments
from conda_store_artifacts.use_cases.artifact_tools import Tools
from conda_store_artifacts.use_cases.provide_fragments import SCRATCH
from conda_store_artifacts.use_cases.store_blob import LocalBlob, store_blob
from conda_store_shared.db.moments import now
from conda_store_shared.domain.canonical import digest_of
from conda_store_shared.domain.storage_keys import image_blob_key
from conda_store_shared.telemetry import caches

_VERSION = 2


async def provide_layer(
    identity: Mapping[str, Any], make: Callable[[Path], Awaitable[MadeLayer]], tools: Tools
) -> Blob:
    """Return the layer that follows from ``identity``; ``make`` writes it below a directory.

    It stays for as long as a stage may take.  Raises what ``make`` raises.
    """
    layer_id = digest_of({"version": _VERSION, **identity})
    async with tools.transactions.database.session() as session:
        found = await find_fragments(session, [layer_id])
    if found:
        async with tools.transactions.begin() as transaction:
            if await touch_blobs(transaction.session, [found[0].blob.digest], now()):
                caches.looked_up(caches.LAYERS, 1, 0)
                return found[0].blob
    caches.looked_up(caches.LAYERS, 0, 1)
    with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=tools.work_directory) as directory:
        made = await make(Path(directory))
        blob = _blob_of(made)
        await store_blob(LocalBlob(blob=blob, path=made.path), transactions=tools.transactions, store=tools.store)
    async with tools.transactions.begin() as transaction:
        await add_layer(transaction.session, layer_id, blob)
    return blob


def _blob_of(made: MadeLayer) -> Blob:
    return Blob(
        digest=made.digest,
        key=image_blob_key(made.digest),
        size=made.size,
        raw_digest=made.raw_digest,
        raw_size=made.raw_size,
    )
