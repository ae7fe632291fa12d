"""A lockfile becomes an installed prefix, whole or not there at all (design §5)."""

import asyncio
from pathlib import Path

from conda_store_builder.domain.prefix_path import check_length
from conda_store_builder.ports import Installation, Installer, PrefixStore, Target
from conda_store_shared.contracts.events import PrefixBuilt, PrefixRequested
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.canonical import sha256_hex
from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.domain.order import Order
from conda_store_shared.domain.pip_options import trusted_hosts
from conda_store_shared.domain.prefix_record import PrefixRecord
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.domain.storage_keys import artifact_key, canceled_key, order_key, prefix_record_key
from conda_store_shared.errors import InvalidLockfile, NotFound, StageFailure, TooLarge
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.worker.stage import StageContext

_LARGEST_INPUT = 64 * 1024 * 1024


async def build_prefix(
    request: PrefixRequested, context: StageContext, *, store: ObjectStore, installer: Installer, prefixes: PrefixStore
) -> PrefixBuilt:
    """Install the prefix and put its record; raises StageFailure.  A repeat that finds it whole only tells of it."""
    whole_order = Order.from_bytes(await _read(store, order_key(request.build_key), request.order_digest))
    order = whole_order.prefix
    check_length(order.path)
    target = Target(build_key=request.build_key, lockfile_digest=request.lockfile_digest, path=Path(order.path))
    record = await prefixes.find_whole(target)
    if record is None:
        work = Installation(
            target=target,
            order=order,
            lockfile=await _read_lockfile(store, request),
            trusted_hosts=trusted_hosts(whole_order.solve.specification),
        )
        record = await _install(work, context, store=store, installer=installer, prefixes=prefixes)
    else:
        context.log(f"the prefix is installed already: {record.path}")
    content = record.to_bytes()
    await store.put(prefix_record_key(request.build_key), content, "application/json")
    context.log(f"the prefix is whole: {len(record.packages)} packages, {record.apparent_bytes} bytes: {record.path}")
    return PrefixBuilt(
        build_id=request.build_id,
        build_key=request.build_key,
        stage=context.stage,
        attempt_id=context.attempt.attempt_id,
        attempt_started_at=context.attempt.started_at,
        lockfile_digest=request.lockfile_digest,
        record_digest=sha256_hex(content),
    )


async def _install(
    work: Installation, context: StageContext, *, store: ObjectStore, installer: Installer, prefixes: PrefixStore
) -> PrefixRecord:
    try:
        async with asyncio.timeout(work.order.deadline), prefixes.attempt(work.target) as attempt:
            await installer.install(attempt, work, context)
            # Nothing of a canceled build is to appear: its removal may have been asked for and done already.
            await _stop_when_canceled(store, work.target.build_key)
            return await installer.finish(attempt, work, context)
    except TimeoutError as error:
        detail = f"the environment was not installed within {work.order.deadline:g} seconds"
        raise StageFailure(FailureCode.TIMEOUT, detail) from error


async def _read_lockfile(store: ObjectStore, request: PrefixRequested) -> Lockfile:
    key = artifact_key(ArtifactType.LOCKFILE, request.build_key)
    try:
        return Lockfile.from_text(await _read(store, key, request.lockfile_digest))
    except InvalidLockfile as error:
        raise StageFailure(FailureCode.INVALID_LOCKFILE, error.message) from error


async def _read(store: ObjectStore, key: str, digest: str) -> bytes:
    """The object as it was when it was requested; one that is gone or another comes again with a new request."""
    try:
        content = await store.get(key, _LARGEST_INPUT)
    except NotFound as error:
        raise StageFailure(FailureCode.INPUT_MISSING, f"{key} is not in the object store", transient=True) from error
    except TooLarge as error:
        raise StageFailure(FailureCode.INVALID_LOCKFILE, error.message) from error
    if sha256_hex(content) != digest:
        raise StageFailure(FailureCode.INPUT_MISSING, f"{key} is not the one that was requested", transient=True)
    return content


async def _stop_when_canceled(store: ObjectStore, build_key: str) -> None:
    if await store.head(canceled_key(build_key)) is not None:
        raise StageFailure(FailureCode.CANCELED, "the build was canceled")
