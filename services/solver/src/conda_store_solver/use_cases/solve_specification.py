"""Specification in, lockfile out."""

from dataclasses import dataclass

from conda_store_shared.conda.locked_entries import check_entries
from conda_store_shared.contracts.events import LockfileSolved, SolveRequested
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.canonical import sha256_hex
from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.domain.order import Order, SolveOrder
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.domain.storage_keys import artifact_key, content_type_of, order_key
from conda_store_shared.errors import ChannelNotAllowed, InvalidLockfile, NotFound, StageFailure, TooLarge
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_solver.ports import Context, Solver

MAXIMUM_ORDER_BYTES = 32 * 1024 * 1024
MAXIMUM_LOCKFILE_BYTES = 128 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class SolveTools:
    """What the use case works with."""

    store: ObjectStore
    solver: Solver


async def solve_specification(request: SolveRequested, context: Context, tools: SolveTools) -> LockfileSolved:
    """Put the lockfile of the build to the object store.

    A lockfile that is there already is announced again and never replaced.  Raises StageFailure when there is no
    lockfile for the order, StorageUnavailable when the object store does not answer.
    """
    digest = await _stored_digest(request.build_key, tools.store)
    if digest is not None:
        context.log("the lockfile is there already")
    else:
        order = await _read_order(request, tools.store)
        if order.solve.lockfile is None:
            lockfile = await tools.solver.solve(order.solve, context)
        else:
            lockfile = _check_submitted(order.solve)
            context.log(f"the submitted lockfile is kept as it is: {len(lockfile.packages)} packages")
        digest = await _store(request.build_key, lockfile, tools.store)
    return LockfileSolved(
        build_id=request.build_id,
        build_key=request.build_key,
        stage=context.stage,
        attempt_id=context.attempt.attempt_id,
        attempt_started_at=context.attempt.started_at,
        lockfile_digest=digest,
    )


async def _stored_digest(build_key: str, store: ObjectStore) -> str | None:
    """Digest of the lockfile stored for the build; None when there is none, or no whole one."""
    try:
        content = await store.get(artifact_key(ArtifactType.LOCKFILE, build_key), MAXIMUM_LOCKFILE_BYTES)
        Lockfile.from_text(content)
    except (NotFound, TooLarge, InvalidLockfile):
        return None
    return sha256_hex(content)


async def _read_order(request: SolveRequested, store: ObjectStore) -> Order:
    try:
        content = await store.get(order_key(request.build_key), MAXIMUM_ORDER_BYTES)
    except NotFound as error:
        detail = f"the order of build {request.build_id} is not in the object store"
        raise StageFailure(FailureCode.INPUT_MISSING, detail, transient=True) from error
    if sha256_hex(content) != request.order_digest:
        detail = f"the order of build {request.build_id} in the object store is not the one the request names"
        raise StageFailure(FailureCode.INPUT_MISSING, detail, transient=True)
    return Order.from_bytes(content)


async def _store(build_key: str, lockfile: Lockfile, store: ObjectStore) -> str:
    """Store the lockfile unless another attempt was faster; return the digest of the one that is stored."""
    key = artifact_key(ArtifactType.LOCKFILE, build_key)
    stored = await _stored_digest(build_key, store)
    if stored is not None:
        return stored
    content = lockfile.to_text().encode()
    await store.put(key, content, content_type_of(key))
    return sha256_hex(content)


def _check_submitted(order: SolveOrder) -> Lockfile:
    """Return the lockfile a user submitted; raises StageFailure for one that cannot or may not be installed."""
    try:
        lockfile = Lockfile.from_value(order.lockfile)
        missing = [platform for platform in order.platforms if platform not in lockfile.platforms]
        if missing:
            raise InvalidLockfile(
                f"the lockfile is not for {', '.join(missing)}; it is for: {', '.join(lockfile.platforms)}"
            )
        check_entries(lockfile, order.allowed_channels)
    except (InvalidLockfile, ChannelNotAllowed) as error:
        raise StageFailure(error.code, error.message) from error
    return lockfile
