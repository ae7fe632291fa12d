"""Make the image of a build, and let clients of registries have it."""

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path

from conda_store_artifacts.domain.fragment import Blob
from conda_store_artifacts.domain.image import ImageRecord
from conda_store_artifacts.repositories.blobs import use_blobs
from conda_store_artifacts.use_cases.artifact_tools import Making, Stored, Tools
from conda_store_artifacts.use_cases.assemble_image import AssembledImage, assemble_image
from conda_store_artifacts.use_cases.image_making import ImageMaking
from conda_store_artifacts.use_cases.mend_fragments import mending_fragments
from conda_store_artifacts.use_cases.provide_fragments import SCRATCH
from conda_store_artifacts.use_cases.store_blob import LocalBlob, store_blobs
from conda_store_shared.domain.canonical import sha256_hex
from conda_store_shared.domain.storage_keys import image_blob_key, image_document_key, image_record_key
from conda_store_shared.errors import NotFound
from conda_store_shared.storage.object_store import ObjectStore

_LARGEST = 1024 * 1024


async def make_image(making: Making, tools: Tools) -> Stored:
    """Store the image: its blobs, its documents by digest, and last ``docker/manifest/<build_key>``.

    Raises StageFailure.
    """
    image = ImageMaking(making=making, tools=tools)

    async def store() -> Stored:
        assembled = await assemble_image(image)
        await store_documents(assembled, image)
        return await _publish(assembled, image)

    return await mending_fragments(store, making, tools)


async def find_image(build_key: str, store: ObjectStore) -> Stored | None:
    """Return the image of a build that was made before, None when there is none."""
    try:
        record = ImageRecord.from_bytes(await store.get(image_record_key(build_key), _LARGEST))
    except NotFound:
        return None
    return Stored(size=record.size, digest=record.choices[0].digest)


async def store_documents(assembled: AssembledImage, image: ImageMaking) -> None:
    """Store configurations, manifests and indexes, and note that the artifact needs them and its layers."""
    making, tools = image.making, image.tools
    contents = {image_document_key(document.digest): document.content for document in assembled.documents.documents} | {
        image_blob_key(sha256_hex(each.config)): each.config for each in assembled.images
    }
    with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=tools.work_directory) as directory:
        local = await asyncio.to_thread(_write_all, contents, Path(directory))
        await store_blobs(local, transactions=tools.transactions, store=tools.store)
    digests = {*assembled.layers, *(each.blob.digest for each in local)}
    async with tools.transactions.begin() as transaction:
        await use_blobs(transaction.session, making.inputs.order.build_id, making.artifact_type, digests)


async def _publish(assembled: AssembledImage, image: ImageMaking) -> Stored:
    making, store, documents = image.making, image.tools.store, assembled.documents
    size = sum(layer.size for layer in assembled.layers.values())
    size += sum(len(each.config) for each in assembled.images) + sum(len(each.content) for each in documents.documents)
    record = ImageRecord(choices=documents.record.choices, size=size)
    await store.put(image_record_key(making.inputs.order.build_key), record.to_bytes(), "application/json")
    await store.put(making.key, documents.usual.content, documents.usual.media_type)
    making.log(f"image sha256:{documents.usual.digest}, {size} bytes in {len(assembled.layers)} layers")
    return Stored(size=size, digest=documents.usual.digest)


def _write_all(contents: Mapping[str, bytes], directory: Path) -> list[LocalBlob]:
    local = []
    for key, content in contents.items():
        digest = sha256_hex(content)
        path = directory / digest
        path.write_bytes(content)
        blob = Blob(digest=digest, key=key, size=len(content), raw_digest=digest, raw_size=len(content))
        local.append(LocalBlob(blob=blob, path=path))
    return local
