"""Fragments whose objects are gone or damaged are made again while an artifact is made of them."""

from collections.abc import Awaitable, Callable

from conda_store_artifacts.domain.fragment import Blob
from conda_store_artifacts.use_cases.artifact_tools import Making, Stored, Tools
from conda_store_artifacts.use_cases.provide_fragments import forget_blobs
from conda_store_artifacts.use_cases.read_parts import BlobDamaged
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure


async def mending_fragments(make: Callable[[], Awaitable[Stored]], making: Making, tools: Tools) -> Stored:
    """Run ``make``, and again for each blob that turns out to be damaged; raises StageFailure for one that stays so.

    A copy of it is suspected first: the object may be as it was, and others read it.
    """
    dropped: set[str] = set()
    mended: set[str] = set()
    while True:
        try:
            return await make()
        except BlobDamaged as error:
            blob = error.blob
        copies = tools.fragments.copies
        if copies and blob.digest not in dropped and await copies.drop(blob.key):
            dropped.add(blob.digest)
            making.log(f"the copy of object {blob.key} was damaged, and is made again")
            continue
        if blob.digest in mended:
            detail = f"object {blob.key} is not what was stored there, though it was stored again"
            raise StageFailure(FailureCode.PACK_FAILED, detail, transient=True)
        mended.add(blob.digest)
        making.log(f"object {blob.key} is gone or damaged, and made again")
        await _forget(blob, tools)


async def _forget(blob: Blob, tools: Tools) -> None:
    # The object first: what is not there is stored, whatever length it had.
    await tools.store.delete(blob.key)
    await forget_blobs([blob.digest], transactions=tools.transactions)
