"""An image in database and store, as the making of images leaves it."""

from datetime import datetime

from conda_store_artifacts.domain.fragment import Codec
from conda_store_artifacts.domain.image import ImageDocuments, PlatformImage, write_documents
from conda_store_artifacts.domain.image_config import ImageContents, write_config
from conda_store_artifacts.domain.image_platform import ImagePlatform
from conda_store_artifacts.domain.oci_manifest import Layer
from conda_store_shared.db.models import ArtifactBlob, Blob, Build, BuildArtifact, BuildStage, Environment
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.canonical import sha256_hex
from conda_store_shared.domain.storage_keys import (
    artifact_key,
    image_blob_key,
    image_document_key,
    image_record_key,
)
from conda_store_shared.transaction import Transactions
from tests.integration.artifacts.download_service import BEGAN, BUILD_KEY, DownloadService

LAYER = b"no tar, but bytes all the same " * 40
PLATFORMS = (ImagePlatform("amd64"), ImagePlatform("arm64", "v8"))


def an_image(*platforms: ImagePlatform) -> tuple[PlatformImage, ...]:
    """Images of one layer each."""
    digest = sha256_hex(LAYER)
    layer = Layer(digest=digest, size=len(LAYER), diff_id=digest, codec=Codec.GZIP)
    return tuple(
        PlatformImage(
            platform=platform,
            config=write_config(
                ImageContents(platform=platform, environment="what?", created="2026-11-22T11:00:00Z", layers=[layer])
            ),
            layers=[layer],
        )
        for platform in platforms
    )


async def add_image(service: DownloadService, *platforms: ImagePlatform, build_id: int = 1) -> ImageDocuments:
    """Leave the image of a build of ``team/what?``, and say so."""
    images = an_image(*platforms or PLATFORMS[:1])
    made = write_documents(images, {})
    objects = {image_document_key(document.digest): document.content for document in made.documents}
    objects |= {image_blob_key(sha256_hex(image.config)): image.config for image in images}
    objects[image_blob_key(sha256_hex(LAYER))] = LAYER
    key = BUILD_KEY if build_id == 1 else f"{build_id}-{BUILD_KEY}"
    await service.store.put(image_record_key(key), made.record.to_bytes(), "application/json")
    for name, content in objects.items():
        await service.store.put(name, content, "application/octet-stream")
    async with Transactions(service.database, "test").begin() as transaction:
        for name, content in objects.items():
            digest = sha256_hex(content)
            await transaction.session.merge(
                Blob(
                    digest=digest, key=name, size=len(content), raw_digest=digest, raw_size=len(content), used_on=BEGAN
                )
            )
            await transaction.session.flush()
            transaction.session.add(
                ArtifactBlob(build_id=build_id, artifact_type=ArtifactType.DOCKER_MANIFEST, digest=digest)
            )
        kind = ArtifactType.DOCKER_MANIFEST
        transaction.session.add(BuildArtifact(build_id=build_id, artifact_type=kind, key=artifact_key(kind, key)))
    return made


async def add_other_build(service: DownloadService, build_id: int, environment_id: int = 1) -> str:
    """Another completed build of the specification; returns its key."""
    key = f"{build_id}-{BUILD_KEY}"
    build = Build(
        id=build_id, specification_id=1, environment_id=environment_id, status="COMPLETED", scheduled_on=BEGAN,
        build_key_version=2, build_key=key,
    )  # fmt: skip
    async with Transactions(service.database, "test").begin() as transaction:
        transaction.session.add(build)
    return key


async def change_build(service: DownloadService, **values: object) -> None:
    """Set columns of build 1."""
    async with Transactions(service.database, "test").begin() as transaction:
        build = await transaction.session.get_one(Build, 1)
        for name, value in values.items():
            setattr(build, name, value)


async def set_stage(service: DownloadService, state: str, requested_on: datetime, **values: str) -> None:
    """Say how the making of the image of build 1 goes."""
    async with Transactions(service.database, "test").begin() as transaction:
        row = BuildStage(build_id=1, stage="artifact.DOCKER_MANIFEST", state=state, requested_on=requested_on, **values)
        await transaction.session.merge(row)


async def add_environment(service: DownloadService, namespace_id: int, name: str, build_id: int) -> None:
    """An environment whose current build is a completed one of its own."""
    async with Transactions(service.database, "test").begin() as transaction:
        session = transaction.session
        session.add(Environment(id=build_id, namespace_id=namespace_id, name=name, current_build_id=build_id))
        await session.flush()
    await add_other_build(service, build_id, environment_id=build_id)
