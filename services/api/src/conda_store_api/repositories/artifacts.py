"""Rows of what builds left behind."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_shared.db.models import BuildArtifact
from conda_store_shared.db.reading import Reader, Row
from conda_store_shared.db.statements import insert_all_new
from conda_store_shared.domain.artifact import ArtifactType


@dataclass(frozen=True, slots=True, kw_only=True)
class NewArtifact:
    """An artifact to record; ``size`` is in bytes."""

    type: ArtifactType
    key: str
    size: int | None = None
    digest: str | None = None


async def record_artifact(session: AsyncSession, build_id: int, artifact: NewArtifact) -> None:
    """Record an artifact once per build, type and key."""
    await record_artifacts(session, build_id, (artifact,))


async def record_artifacts(session: AsyncSession, build_id: int, artifacts: Sequence[NewArtifact]) -> None:
    """Record artifacts, each once per build, type and key."""
    rows = [
        {
            "build_id": build_id,
            "artifact_type": artifact.type,
            "key": artifact.key,
            "size": artifact.size,
            "digest": artifact.digest,
        }
        for artifact in artifacts
    ]
    await insert_all_new(session, BuildArtifact, rows)


async def is_recorded(session: AsyncSession, build_id: int, key: str) -> bool:
    """Whether a build's artifact under ``key`` is recorded."""
    found = select(BuildArtifact.id).where(BuildArtifact.build_id == build_id, BuildArtifact.key == key).limit(1)
    return await session.scalar(found) is not None


async def list_artifacts(reader: Reader, build_id: int) -> Sequence[Row]:
    """Return (id, type, key) of a build's artifacts in the order they were recorded."""
    return await reader.rows(_OF_BUILD, build_id=build_id)


_OF_BUILD = (
    select(BuildArtifact.id, BuildArtifact.artifact_type, BuildArtifact.key)
    .where(BuildArtifact.build_id == bindparam("build_id"))
    .order_by(BuildArtifact.id)
)
