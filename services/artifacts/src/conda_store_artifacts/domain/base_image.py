"""What an image is built upon, and what manifests of others say about that."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conda_store_artifacts.domain.fragment import Codec
from conda_store_artifacts.domain.image_config import BaseConfig
from conda_store_artifacts.domain.image_platform import ImagePlatform
from conda_store_artifacts.domain.oci_manifest import INDEX_TYPES, MANIFEST_TYPES, MEDIA_TYPES, Layer

ACCEPT = ", ".join(sorted(INDEX_TYPES | MANIFEST_TYPES))
_CODECS = {media_type: codec for types in MEDIA_TYPES.values() for codec, media_type in types.layer.items()}


class UnusableBase(ValueError):
    """Raised when an image cannot be built upon; the message is the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseImage:
    """What stands below the layers of packages; ``annotations`` tell where it came from."""

    layers: Sequence[Layer]
    config: BaseConfig = field(default_factory=BaseConfig)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseManifest:
    """The manifest of one platform of a base: its configuration and layers by digest (hex), codec and size."""

    config: str
    layers: Sequence[tuple[str, Codec, int]]


def read_base_index(content: bytes, platform: ImagePlatform) -> str | None:
    """Return the digest (hex) of the manifest for a platform in an index; None when there is none."""
    value = _document(content)
    for entry in value.get("manifests", ()):
        if ImagePlatform.from_value(entry.get("platform") or {}).runs(platform):
            return _digest(entry)
    return None


def read_base_manifest(content: bytes) -> BaseManifest:
    """Read a manifest; raises UnusableBase for layers nobody here can pass on."""
    value = _document(content)
    layers = []
    for entry in value.get("layers", ()):
        codec = _CODECS.get(str(entry.get("mediaType")))
        if codec is None:
            raise UnusableBase(f"its layers are of the kind {entry.get('mediaType')}, which is not supported")
        layers.append((_digest(entry), codec, int(entry.get("size", 0))))
    return BaseManifest(config=_digest(value.get("config") or {}), layers=layers)


def read_base_config(
    content: bytes, manifest: BaseManifest, platform: ImagePlatform
) -> tuple[BaseConfig, Sequence[Layer]]:
    """Read a configuration; raises UnusableBase for one of another platform, or that does not fit its manifest."""
    value = _document(content)
    if not ImagePlatform.from_value(value).runs(platform):
        raise UnusableBase(f"it is for {ImagePlatform.from_value(value)}")
    diff_ids = [str(each).removeprefix("sha256:") for each in (value.get("rootfs") or {}).get("diff_ids", ())]
    if len(diff_ids) != len(manifest.layers):
        raise UnusableBase("its configuration does not fit its layers")
    layers = [
        Layer(digest=digest, size=size, diff_id=diff_id, codec=codec, created_by="base image")
        for (digest, codec, size), diff_id in zip(manifest.layers, diff_ids, strict=True)
    ]
    return BaseConfig(config=value.get("config") or {}, history=value.get("history") or ()), layers


def _document(content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UnusableBase("its manifest or configuration is not JSON") from error
    if not isinstance(value, dict):
        raise UnusableBase("its manifest or configuration is no object")
    return value


def _digest(entry: Mapping[str, Any]) -> str:
    kind, _, digest = str(entry.get("digest", "")).partition(":")
    if kind != "sha256" or len(digest) != 64:
        raise UnusableBase("it is not named by SHA-256 digests")
    return digest
