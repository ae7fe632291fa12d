"""What the earlier stages left for us in the object store."""

from dataclasses import dataclass

from conda_store_shared.contracts.events import ArtifactRequested
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.canonical import sha256_hex
from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.domain.order import Order
from conda_store_shared.domain.prefix_record import PrefixRecord
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.domain.storage_keys import artifact_key, order_key, prefix_record_key
from conda_store_shared.errors import InvalidLockfile, NotFound, StageFailure, TooLarge
from conda_store_shared.storage.object_store import ObjectStore

# Far above what the largest environments need, and small enough to hold in memory.
_LIMIT = 128 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Everything an artifact of a build follows from."""

    order: Order
    lockfile: Lockfile
    record: PrefixRecord


async def read_inputs(request: ArtifactRequested, *, store: ObjectStore) -> Inputs:
    """Read order, lockfile and prefix record.

    Raises StageFailure: input_missing when one is gone or is not the one meant, invalid_lockfile.
    """
    order = await _read(order_key(request.build_key), request.order_digest, store)
    lockfile = await _read(artifact_key(ArtifactType.LOCKFILE, request.build_key), request.lockfile_digest, store)
    record = await _read(prefix_record_key(request.build_key), None, store)
    return Inputs(
        order=Order.from_bytes(order), lockfile=_parse_lockfile(lockfile), record=PrefixRecord.from_bytes(record)
    )


def _parse_lockfile(content: bytes) -> Lockfile:
    try:
        return Lockfile.from_text(content)
    except InvalidLockfile as error:
        raise StageFailure(FailureCode.INVALID_LOCKFILE, error.message) from error


async def _read(key: str, digest: str | None, store: ObjectStore) -> bytes:
    try:
        content = await store.get(key, _LIMIT)
    except NotFound as error:
        raise StageFailure(FailureCode.INPUT_MISSING, f"{key} is not in the object store", transient=True) from error
    except TooLarge as error:
        raise StageFailure(FailureCode.INTERNAL_ERROR, error.message) from error
    if digest is not None and sha256_hex(content) != digest:
        raise StageFailure(FailureCode.INPUT_MISSING, f"{key} is not the one that was asked for", transient=True)
    return content
