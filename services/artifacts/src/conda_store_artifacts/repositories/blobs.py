"""Rows of blobs, and of what uses them."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, literal, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_artifacts.domain.fragment import Blob
from conda_store_shared.db.models import ArtifactBlob, Build
from conda_store_shared.db.models import Blob as BlobRow
from conda_store_shared.db.statements import insert_all_new, is_any_of, upsert_all

# Any number will do, as long as nothing else locks it.
_TRY_TURN = text(f"SELECT pg_try_advisory_xact_lock({0x626C6F62_73})")


async def note_blobs(session: AsyncSession, blobs: Collection[Blob], now: datetime) -> None:
    """Note blobs before their objects are stored, as used now; waits for whoever is removing one of them."""
    rows = [
        {
            "digest": blob.digest,
            "key": blob.key,
            "size": blob.size,
            "raw_digest": blob.raw_digest,
            "raw_size": blob.raw_size,
            "used_on": now,
        }
        # In one order, so that two who note the same ones do not wait for each other.
        for blob in sorted({blob.digest: blob for blob in blobs}.values(), key=lambda blob: blob.digest)
    ]
    await upsert_all(session, BlobRow, rows, identity=("digest",))


async def touch_blobs(session: AsyncSession, digests: Collection[str], now: datetime) -> set[str]:
    """Note that blobs are about to be used; returns those that there are, which stay for as long as a stage may take.

    Waits for whoever is removing one of them.
    """
    wanted = select(BlobRow.digest).where(is_any_of(BlobRow.digest, list(digests)))
    found = set(await session.scalars(wanted.order_by(BlobRow.digest).with_for_update(key_share=True)))
    if found:
        await session.execute(
            update(BlobRow)
            .where(is_any_of(BlobRow.digest, sorted(found)))
            .values(used_on=now)
            .execution_options(synchronize_session=False)
        )
    return found


async def find_blob(session: AsyncSession, digest: str) -> Blob | None:
    """Return a blob by its digest."""
    row = await session.get(BlobRow, digest)
    return None if row is None else blob_of(row)


async def use_blobs(session: AsyncSession, build_id: int, artifact_type: str, digests: Collection[str]) -> None:
    """Note that an artifact needs blobs, as long as there is the build."""
    if await session.scalar(select(literal(1)).where(Build.id == build_id)) is None:
        return
    rows = [
        {"build_id": build_id, "artifact_type": artifact_type, "digest": digest} for digest in sorted(set(digests))
    ]
    await insert_all_new(session, ArtifactBlob, rows)


async def release_blobs(session: AsyncSession, build_id: int, artifact_types: Collection[str]) -> None:
    """Forget what artifacts of a build needed."""
    mine = (ArtifactBlob.build_id == build_id) & ArtifactBlob.artifact_type.in_(artifact_types)
    await session.execute(delete(ArtifactBlob).where(mine).execution_options(synchronize_session=False))


async def list_unused_blobs(session: AsyncSession, before: datetime, limit: int, after: str = "") -> Sequence[Blob]:
    """Return blobs that nobody has used since ``before`` and no artifact needs, by digest."""
    query = select(BlobRow).where(_unused(before), BlobRow.digest > after).order_by(BlobRow.digest).limit(limit)
    return [blob_of(row) for row in await session.scalars(query)]


async def take_turn_at_collecting(session: AsyncSession) -> bool:
    """Whether nobody else removes blobs until the end of this transaction; on SQLite there is nobody else."""
    if session.get_bind().dialect.name != "postgresql":
        return True
    return bool(await session.scalar(_TRY_TURN))


async def claim_unused_blob(session: AsyncSession, digest: str, before: datetime) -> bool:
    """Whether a blob is still unused; then nobody else can begin to use it until the end of the transaction."""
    locked = select(BlobRow.digest).where(BlobRow.digest == digest).with_for_update()
    if await session.scalar(locked) is None:
        return False
    # Asked anew: the lock may have been waited for, and who held it noted a use.
    return await session.scalar(select(BlobRow.digest).where(BlobRow.digest == digest, _unused(before))) is not None


async def forget_blob(session: AsyncSession, digest: str) -> None:
    """Remove the row of a blob, and with it those of its fragments."""
    await session.execute(
        delete(BlobRow).where(BlobRow.digest == digest).execution_options(synchronize_session=False)
    )


def blob_of(row: BlobRow) -> Blob:
    """The value of a row."""
    return Blob(
        digest=row.digest, key=row.key, size=row.size, raw_digest=row.raw_digest, raw_size=row.raw_size
    )


def _unused(before: datetime) -> ColumnElement[bool]:
    needed = select(literal(1)).where(ArtifactBlob.digest == BlobRow.digest).exists()
    return (BlobRow.used_on < before) & ~needed
