"""Rows of fragments."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_artifacts.domain.fragment import Blob, Fragment
from conda_store_artifacts.domain.fragment_files import FragmentFiles
from conda_store_artifacts.repositories.blobs import blob_of
from conda_store_shared.db.models import Blob as BlobRow
from conda_store_shared.db.models import Fragment as FragmentRow
from conda_store_shared.db.statements import is_any_of, upsert_all


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFragment:
    """What is known of a fragment that was made before; ``used_on`` is when its blob was used last."""

    id: str
    blob: Blob
    files: FragmentFiles
    used_on: datetime


async def find_fragments(session: AsyncSession, ids: Collection[str]) -> list[FoundFragment]:
    """Return the fragments that there are."""
    query = (
        select(FragmentRow, BlobRow)
        .join(BlobRow, BlobRow.digest == FragmentRow.digest)
        .where(is_any_of(FragmentRow.id, sorted(ids)))
    )
    return [
        FoundFragment(
            id=fragment.id, blob=blob_of(blob), files=FragmentFiles.from_json(fragment.about), used_on=blob.used_on
        )
        for fragment, blob in await session.execute(query)
    ]


async def add_fragments(session: AsyncSession, fragments: Collection[Fragment]) -> None:
    """Note fragments whose blobs are stored."""
    rows: list[dict[str, Any]] = [
        {"id": fragment.id, "digest": fragment.blob.digest, "about": fragment.files.to_json()}
        for fragment in sorted(fragments, key=lambda fragment: fragment.id)
    ]
    await upsert_all(session, FragmentRow, rows, identity=("id",))


async def add_layer(session: AsyncSession, layer_id: str, blob: Blob) -> None:
    """Note a layer that is no package's, whose blob is stored."""
    row = {"id": layer_id, "digest": blob.digest, "about": FragmentFiles(count=0, paths="").to_json()}
    await upsert_all(session, FragmentRow, [row], identity=("id",))


async def forget_fragments(session: AsyncSession, digest: str) -> None:
    """Remove the rows of fragments whose blob turned out to be missing or damaged: they are made again."""
    await session.execute(
        delete(FragmentRow).where(FragmentRow.digest == digest).execution_options(synchronize_session=False)
    )
