"""Reads which images there are, and what belongs to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, and_, bindparam, select

from conda_store_shared.db.models import (
    ArtifactBlob,
    Blob,
    Build,
    BuildArtifact,
    BuildStage,
    Environment,
    Namespace,
    PublicEvent,
)
from conda_store_shared.db.reading import Reader
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.build import BuildStatus
from conda_store_shared.domain.stage import artifact_stage

_IMAGE = ArtifactType.DOCKER_MANIFEST
_STAGE = artifact_stage(_IMAGE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageState:
    """How far a build and its image have come.

    ``stage`` is the state of the stage that makes the image, None when nobody has asked for it; ``code`` and ``detail``
    tell why it ended without one.
    """

    build_id: int
    build_key: str
    status: BuildStatus
    status_info: str | None
    has_image: bool
    stage: str | None
    requested_on: datetime | None
    code: str | None
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageBlob:
    """A blob or a document of an image, and where it is stored."""

    key: str
    size: int


async def find_current_build(reader: Reader, namespace: str, environment: str) -> tuple[bool, int | None]:
    """Whether there is such an environment for users, and its current build."""
    rows = await reader.rows(_CURRENT, namespace=namespace, environment=environment)
    return bool(rows), rows[0][0] if rows else None


async def find_tagged_build(reader: Reader, namespace: str, environment: str, build_key: str) -> int | None:
    """Return the build of an environment by its key."""
    found: int | None = await reader.value(_TAGGED, namespace=namespace, environment=environment, build_key=build_key)
    return found


async def find_image_state(reader: Reader, build_id: int) -> ImageState | None:
    """Return how far a build and its image are; None when there is none, or it is deleted and no image of it kept."""
    rows = await reader.rows(_STATE, build_id=build_id)
    if not rows:
        return None
    build_id, build_key, status, status_info, key, *stage = rows[0]
    return ImageState(
        build_id=build_id,
        build_key=build_key,
        status=BuildStatus(status),
        status_info=status_info,
        has_image=key is not None,
        **dict(zip(("stage", "requested_on", "code", "detail"), stage, strict=True)),
    )


async def find_image_blob(reader: Reader, namespace: str, environment: str, digest: str) -> ImageBlob | None:
    """Return what has a digest in an image of the environment; None when none of its images has it."""
    rows = await reader.rows(_BLOB, namespace=namespace, environment=environment, digest=digest)
    return ImageBlob(key=rows[0][0], size=rows[0][1]) if rows else None


async def list_tags(reader: Reader, namespace: str, environment: str) -> Sequence[str]:
    """Return the tags of an environment's images: ``latest`` if the current build has one, and each build key."""
    rows = await reader.rows(_TAGS, namespace=namespace, environment=environment)
    latest = any(build_id == current for build_id, _, current in rows)
    return sorted({key for _, key, _ in rows} | ({"latest"} if latest else set()))


async def last_rejection(reader: Reader, namespace: str, environment: str) -> tuple[int, str]:
    """Return the newest event that tells why an environment was not made: its id (0 without one) and the reason."""
    rows = await reader.rows(_REJECTION, namespace=namespace, environment=environment)
    return (rows[0][0], str(rows[0][1].get("detail", ""))) if rows else (0, "")


_PLACE = and_(
    Namespace.name == bindparam("namespace"),
    Namespace.deleted_on.is_(None),
    Environment.name == bindparam("environment"),
    Environment.deleted_on.is_(None),
)
_ENVIRONMENTS = select(Environment.current_build_id).join(Namespace, Namespace.id == Environment.namespace_id)
_CURRENT = _ENVIRONMENTS.where(_PLACE)
_TAGGED: Select[int] = (
    select(Build.id)
    .join(Environment, Environment.id == Build.environment_id)
    .join(Namespace, Namespace.id == Environment.namespace_id)
    .where(_PLACE, Build.build_key == bindparam("build_key"))
)
_STATE = (
    select(
        Build.id,
        Build.build_key,
        Build.status,
        Build.status_info,
        BuildArtifact.key,
        BuildStage.state,
        BuildStage.requested_on,
        BuildStage.code,
        BuildStage.detail,
    )
    .outerjoin(BuildArtifact, and_(BuildArtifact.build_id == Build.id, BuildArtifact.artifact_type == _IMAGE.value))
    .outerjoin(BuildStage, and_(BuildStage.build_id == Build.id, BuildStage.stage == _STAGE))
    .where(Build.id == bindparam("build_id"), Build.deleted_on.is_(None) | BuildArtifact.id.is_not(None))
)
# The artifact's own row goes first when a build is deleted, unless it is kept.
_BLOB = (
    select(Blob.key, Blob.size)
    .join(ArtifactBlob, ArtifactBlob.digest == Blob.digest)
    .join(BuildArtifact, BuildArtifact.build_id == ArtifactBlob.build_id)
    .join(Build, Build.id == ArtifactBlob.build_id)
    .join(Environment, Environment.id == Build.environment_id)
    .join(Namespace, Namespace.id == Environment.namespace_id)
    .where(
        Blob.digest == bindparam("digest"),
        ArtifactBlob.artifact_type == _IMAGE.value,
        BuildArtifact.artifact_type == _IMAGE.value,
        _PLACE,
    )
    .limit(1)
)
_TAGS = (
    select(Build.id, Build.build_key, Environment.current_build_id)
    .join(BuildArtifact, BuildArtifact.build_id == Build.id)
    .join(Environment, Environment.id == Build.environment_id)
    .join(Namespace, Namespace.id == Environment.namespace_id)
    .where(_PLACE, BuildArtifact.artifact_type == _IMAGE.value)
)
_REJECTION = (
    select(PublicEvent.id, PublicEvent.data)
    .where(
        PublicEvent.type == "specification.rejected",
        PublicEvent.namespace == bindparam("namespace"),
        PublicEvent.environment == bindparam("environment"),
    )
    .order_by(PublicEvent.id.desc())
    .limit(1)
)
