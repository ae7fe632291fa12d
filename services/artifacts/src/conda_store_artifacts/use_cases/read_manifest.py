"""Reads the manifests and indexes of images, and picks the one a client understands."""

import json
from dataclasses import dataclass

from conda_store_artifacts.domain.image import ImageRecord
from conda_store_shared.domain.canonical import sha256_hex
from conda_store_shared.domain.storage_keys import image_document_key, image_record_key
from conda_store_shared.errors import NotFound
from conda_store_shared.storage.object_store import ObjectStore

# The distribution specification advises registries to take as much.
_LARGEST = 4 * 1024 * 1024


class NotAccepted(NotFound):
    """Raised when an image can be had in none of the forms that a client takes."""

    code = "not_accepted"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedManifest:
    """A manifest or an index; ``digest`` is the SHA-256 (hex) of its content."""

    media_type: str
    digest: str
    content: bytes


async def read_image(build_key: str, accept: str, store: ObjectStore) -> ServedManifest:
    """Return the document of a build's image that a client takes by its header Accept.

    Raises NotAccepted when it takes none, and NotFound when the image is gone.
    """
    record = ImageRecord.from_bytes(await store.get(image_record_key(build_key), _LARGEST))
    choice = record.choose(accept)
    if choice is None:
        offered = ", ".join(choice.media_type for choice in record.choices)
        raise NotAccepted(f"the image can be had as {offered}; the client takes {accept}")
    return await read_document(image_document_key(choice.digest), store)


async def read_document(key: str, store: ObjectStore) -> ServedManifest:
    """Return a manifest or an index as it is stored; raises NotFound when it is gone."""
    content = await store.get(key, _LARGEST)
    return ServedManifest(media_type=str(json.loads(content)["mediaType"]), digest=sha256_hex(content), content=content)
