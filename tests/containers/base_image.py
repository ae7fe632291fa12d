"""A base for several platforms in a registry of others."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

from conda_store_artifacts.adapters.registry_client import RegistryClient
from conda_store_artifacts.domain.base_image import ACCEPT
from conda_store_artifacts.domain.fragment import Codec
from conda_store_artifacts.domain.image_platform import ImagePlatform
from conda_store_artifacts.domain.image_reference import ImageReference, Repository
from conda_store_artifacts.domain.oci_manifest import Layer, Style, write_index, write_manifest
from conda_store_artifacts.ports import PushedBlob
from conda_store_shared.domain.canonical import canonical_json, sha256_hex
from conda_store_shared.testing.servers.image_registry import PASSWORD, USER, ImageRegistry

_PLATFORMS = (ImagePlatform("amd64"), ImagePlatform("arm64", "v8"))


async def make_base(registry: ImageRegistry, address: str, directory: Path) -> None:
    """Make `base:1`, an index of two platforms, both with the layers of the image at `address` in the registry."""
    source = ImageReference.parse(address.partition("://")[2])
    images, base = (
        Repository(address=registry.url, name=name, username=USER, password=PASSWORD)
        for name in (source.repository.name, "base")
    )
    client = RegistryClient()
    manifest = json.loads((await client.fetch_document(images, source.reference, ACCEPT)).content)
    config = json.loads(await client.fetch_content(images, manifest["config"]["digest"].removeprefix("sha256:")))
    layers = []
    for entry, diff_id in zip(manifest["layers"], config["rootfs"]["diff_ids"], strict=True):
        digest, path = entry["digest"].removeprefix("sha256:"), directory / "layer"
        size = await client.fetch_file(images, digest, path)
        await client.push_blob(base, _blob(await asyncio.to_thread(path.read_bytes)))
        layers.append(Layer(digest=digest, size=size, diff_id=diff_id.removeprefix("sha256:"), codec=Codec.GZIP))
    manifests = []
    for platform in _PLATFORMS:
        content = canonical_json({**config, **platform.to_value()})
        await client.push_blob(base, _blob(content))
        made = write_manifest(Style.OCI, content, layers, {})
        await client.push_document(base, f"sha256:{made.digest}", made)
        manifests.append((platform, made))
    await client.push_document(base, "1", write_index(Style.OCI, manifests, {}))


def _blob(content: bytes) -> PushedBlob:
    async def read() -> AsyncIterator[bytes]:
        yield content

    return PushedBlob(digest=sha256_hex(content), size=len(content), read=read)
