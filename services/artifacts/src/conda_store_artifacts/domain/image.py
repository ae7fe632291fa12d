"""The image of a build as a whole: one platform or several, told in each style that can tell it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from conda_store_artifacts.domain.accepted_types import accepts
from conda_store_artifacts.domain.image_platform import ImagePlatform
from conda_store_artifacts.domain.oci_manifest import (
    Document,
    Layer,
    describe,
    styles_of,
    write_index,
    write_manifest,
)
from conda_store_shared.domain.canonical import canonical_json


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformImage:
    """The image of one platform: its configuration, and all of its layers from the lowest."""

    platform: ImagePlatform
    config: bytes
    layers: Sequence[Layer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A manifest or an index by which the image can be had; ``digest`` is SHA-256 in hex, ``size`` in bytes."""

    media_type: str
    digest: str
    size: int

    @classmethod
    def of(cls, document: Document) -> "Choice":
        """Return the choice of a document."""
        return cls(media_type=document.media_type, digest=document.digest, size=len(document.content))


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRecord:
    """By which documents an image can be had, the usual one first; ``size`` is that of all of it, in bytes."""

    choices: tuple[Choice, ...]
    size: int = 0

    def to_bytes(self) -> bytes:
        """The stored form."""
        choices = [describe(each.media_type, each.digest, each.size) for each in self.choices]
        return canonical_json({"choices": choices, "size": self.size})

    @classmethod
    def from_bytes(cls, content: bytes) -> "ImageRecord":
        """Read the stored form, which only this service writes."""
        value = json.loads(content)
        return cls(
            choices=tuple(
                Choice(media_type=each["mediaType"], digest=each["digest"].removeprefix("sha256:"), size=each["size"])
                for each in value["choices"]
            ),
            size=value["size"],
        )

    def choose(self, accept: str) -> Choice | None:
        """Return the first that a client takes by its header Accept; None when it takes none of them."""
        return next((choice for choice in self.choices if accepts(accept, choice.media_type)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageDocuments:
    """Every manifest and index of an image, and by which of them it can be had."""

    documents: tuple[Document, ...]
    record: ImageRecord

    @property
    def usual(self) -> Document:
        """The document that is answered to whoever takes anything."""
        digest = self.record.choices[0].digest
        return next(document for document in self.documents if document.digest == digest)


def write_documents(images: Sequence[PlatformImage], annotations: Mapping[str, str]) -> ImageDocuments:
    """Return the documents of an image of at least one platform.

    Where it has several, clients that know no index get the first platform's manifest.
    """
    styles = styles_of([layer for image in images for layer in image.layers])
    manifests = {
        style: [(image.platform, write_manifest(style, image.config, image.layers, annotations)) for image in images]
        for style in styles
    }
    single = [manifests[style][0][1] for style in styles]
    indexes = [write_index(style, manifests[style], annotations) for style in styles] if len(images) > 1 else []
    every = [manifest for style in styles for _, manifest in manifests[style]]
    return ImageDocuments(
        documents=(*every, *indexes),
        record=ImageRecord(choices=tuple(Choice.of(document) for document in (*indexes, *single))),
    )
