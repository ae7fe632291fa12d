"""Manifests and indexes of images, in the words of OCI and in those of docker: the same bytes for the same image.

https://github.com/opencontainers/image-spec and the image manifest version 2, schema 2, of docker.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from conda_store_artifacts.domain.fragment import Codec
from conda_store_artifacts.domain.image_platform import ImagePlatform
from conda_store_shared.domain.canonical import canonical_json, sha256_hex


class Style(StrEnum):
    """Whose words a document is in."""

    DOCKER = "docker"
    OCI = "oci"


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaTypes:
    """What the parts of an image are called in one style."""

    manifest: str
    index: str
    config: str
    layer: Mapping[Codec, str]


_OCI = "application/vnd.oci.image"
_DOCKER = "application/vnd.docker"
MEDIA_TYPES: Mapping[Style, MediaTypes] = {
    Style.OCI: MediaTypes(
        manifest=f"{_OCI}.manifest.v1+json",
        index=f"{_OCI}.index.v1+json",
        config=f"{_OCI}.config.v1+json",
        layer={Codec.GZIP: f"{_OCI}.layer.v1.tar+gzip", Codec.ZSTD: f"{_OCI}.layer.v1.tar+zstd"},
    ),
    Style.DOCKER: MediaTypes(
        manifest=f"{_DOCKER}.distribution.manifest.v2+json",
        index=f"{_DOCKER}.distribution.manifest.list.v2+json",
        config=f"{_DOCKER}.container.image.v1+json",
        layer={Codec.GZIP: f"{_DOCKER}.image.rootfs.diff.tar.gzip"},
    ),
}
MANIFEST_TYPES = frozenset(types.manifest for types in MEDIA_TYPES.values())
INDEX_TYPES = frozenset(types.index for types in MEDIA_TYPES.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A compressed layer: ``digest`` and ``size`` of its bytes, ``diff_id`` of what is in them (SHA-256, hex)."""

    digest: str
    size: int
    diff_id: str
    codec: Codec
    created_by: str = ""


@dataclass(frozen=True, kw_only=True)
class Document:
    """One of the JSON documents of an image."""

    media_type: str
    content: bytes

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of the document."""
        return sha256_hex(self.content)

    @property
    def descriptor(self) -> dict[str, Any]:
        """How other documents refer to this one."""
        return describe(self.media_type, self.digest, len(self.content))


def describe(media_type: str, digest: str, size: int) -> dict[str, Any]:
    """How documents refer to a blob or to another document; ``digest`` is SHA-256 in hex."""
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": size}


def styles_of(layers: Sequence[Layer]) -> tuple[Style, ...]:
    """The styles in which an image of these layers can be told, the one that most clients know first."""
    known = MEDIA_TYPES[Style.DOCKER].layer
    return (Style.DOCKER, Style.OCI) if all(layer.codec in known for layer in layers) else (Style.OCI,)


def write_manifest(style: Style, config: bytes, layers: Sequence[Layer], annotations: Mapping[str, str]) -> Document:
    """Return the manifest of the image of one platform; docker's has no annotations."""
    types = MEDIA_TYPES[style]
    value: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": types.manifest,
        "config": describe(types.config, sha256_hex(config), len(config)),
        "layers": [describe(types.layer[layer.codec], layer.digest, layer.size) for layer in layers],
    }
    if style == Style.OCI and annotations:
        value["annotations"] = dict(annotations)
    return Document(media_type=types.manifest, content=canonical_json(value))


def write_index(
    style: Style, manifests: Sequence[tuple[ImagePlatform, Document]], annotations: Mapping[str, str]
) -> Document:
    """Return the document that names the manifest of each platform."""
    types = MEDIA_TYPES[style]
    value: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": types.index,
        "manifests": [
            {**manifest.descriptor, "platform": platform.to_value()}
            for platform, manifest in sorted(manifests, key=lambda each: each[0])
        ],
    }
    if style == Style.OCI and annotations:
        value["annotations"] = dict(annotations)
    return Document(media_type=types.index, content=canonical_json(value))
