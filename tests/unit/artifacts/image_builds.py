"""Builds whose images are made of plain layers, and what is stored of them."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from conda_store_artifacts.adapters.work_directory import WorkDirectory
from conda_store_artifacts.domain.image import ImageRecord
from conda_store_artifacts.domain.image_platform import ImagePlatform
from conda_store_artifacts.domain.oci_manifest import Document
from conda_store_artifacts.use_cases.artifact_tools import Tools
from conda_store_artifacts.use_cases.provide_fragments import SCRATCH
from conda_store_artifacts.use_cases.store_artifact import store_artifact
from conda_store_shared.contracts.events import ArtifactStored
from conda_store_shared.db.engine import Database
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.canonical import canonical_json, sha256_hex
from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.domain.storage_keys import artifact_key, image_blob_key, image_document_key, image_record_key
from conda_store_shared.storage.filesystem import FilesystemStore
from tests.unit.artifacts.artifact_builders import BUILD_KEY, PlainPacker, RecordingContext, StoredBuild, some_tools
from tests.unit.artifacts.fragment_world import World, a_world, locked
from tests.unit.artifacts.image_world import PlainRegistries, some_image_tools

PACKAGES = (locked("python", "3.11.7"), locked("zlib"), locked("flask", subdir="noarch"))
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
AMD64, ARM64 = ImagePlatform("amd64"), ImagePlatform("arm64", "v8")


def a_lock(*packages: dict[str, Any], platforms: Sequence[str] = ("linux-64",)) -> Lockfile:
    """A lockfile with the same packages for each platform."""
    entries = [
        {**package, "platform": platform, "url": package["url"].replace("linux-64", platform)}
        for platform in platforms
        for package in packages or PACKAGES
    ]
    return Lockfile.from_value({"version": 1, "metadata": {"platforms": list(platforms)}, "package": entries})


@dataclass(kw_only=True)
class ImageBuild:
    """A build in a world of its own."""

    world: World
    tools: Tools
    registries: PlainRegistries = field(default_factory=PlainRegistries)
    context: RecordingContext = field(default_factory=lambda: RecordingContext("artifact.DOCKER_MANIFEST"))
    build: StoredBuild = field(default_factory=lambda: StoredBuild(lockfile=a_lock()))

    def with_options(self, **options: Any) -> None:
        """Make images with other options from now on."""
        self.tools = replace(self.tools, images=some_image_tools(self.registries, **options))

    async def make(self, lockfile: Lockfile | None = None, artifact_type: str = "DOCKER_MANIFEST") -> ArtifactStored:
        """Make the image, or push it."""
        self.build = StoredBuild(lockfile=lockfile or self.build.lockfile, order=self.build.order)
        await self.build.put(self.world.store)
        return await store_artifact(self.build.request(artifact_type), self.context, tools=self.tools)

    async def manifest(self) -> dict[str, Any]:
        """What is stored as the image of the build."""
        return await self._json(artifact_key(ArtifactType.DOCKER_MANIFEST, BUILD_KEY))

    async def record(self) -> ImageRecord:
        """By which documents the image can be had."""
        return ImageRecord.from_bytes(await self.world.store.get(image_record_key(BUILD_KEY), 10_000))

    async def document(self, digest: str) -> dict[str, Any]:
        """A manifest or an index by its digest."""
        return await self._json(image_document_key(digest.removeprefix("sha256:")))

    async def config(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """The configuration that a manifest names."""
        return await self._json(image_blob_key(manifest["config"]["digest"].removeprefix("sha256:")))

    async def layers(self, manifest: dict[str, Any]) -> list[str]:
        """What is in the layers that a manifest names."""
        keys = [image_blob_key(layer["digest"].removeprefix("sha256:")) for layer in manifest["layers"]]
        return [(await self.world.store.get(key, 10_000)).decode() for key in keys]

    async def _json(self, key: str) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(await self.world.store.get(key, 1_000_000))
        return value

    @property
    def log(self) -> str:
        """What was written to the log of the build."""
        return "\n".join(self.context.lines)


@asynccontextmanager
async def an_image_build(database: Database, directory: Path) -> AsyncIterator[ImageBuild]:
    """A build that is ready to have its image made."""
    async with FilesystemStore(directory / "storage") as store, WorkDirectory(directory / "work", SCRATCH):
        world = a_world(database, store, directory / "work")
        await world.add_builds(7)
        made = ImageBuild(world=world, tools=some_tools(world, PlainPacker()))
        made.with_options()
        yield made


def publish_base(registries: PlainRegistries, name: str, *platforms: ImagePlatform) -> str:
    """Put a base image of one layer for each platform into a registry, tagged 12; return the digest of its index."""
    entries = []
    for platform in platforms:
        layer = f"base for {platform}".encode()
        config = canonical_json(
            {
                **platform.to_value(),
                "config": {"Env": ["PATH=/base/bin", "LANG=C.UTF-8"]},
                "rootfs": {"type": "layers", "diff_ids": [f"sha256:{sha256_hex(b'raw ' + layer)}"]},
            }
        )
        registries.blobs |= {sha256_hex(content): content for content in (layer, config)}
        manifest = Document(
            media_type=OCI_MANIFEST,
            content=canonical_json(
                {
                    "mediaType": OCI_MANIFEST,
                    "config": {"digest": f"sha256:{sha256_hex(config)}"},
                    "layers": [
                        {
                            "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                            "digest": f"sha256:{sha256_hex(layer)}",
                            "size": len(layer),
                        }
                    ],
                }
            ),
        )
        registries.documents[name, f"sha256:{manifest.digest}"] = manifest
        entries.append({"digest": f"sha256:{manifest.digest}", "platform": platform.to_value()})
    index = Document(
        media_type=OCI_INDEX, content=canonical_json({"mediaType": OCI_INDEX, "manifests": entries})
    )
    registries.documents[name, "12"] = registries.documents[name, f"sha256:{index.digest}"] = index
    return index.digest
