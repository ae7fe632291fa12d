"""Send the image of a build to the registries that the configuration names."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Sequence
from functools import partial

from conda_store_artifacts.domain.build_view import view_of
from conda_store_artifacts.domain.image import PlatformImage
from conda_store_artifacts.domain.image_reference import (
    ImageReference,
    is_image_name,
    is_tag,
    usual_image_name,
    usual_tag,
)
from conda_store_artifacts.domain.oci_manifest import INDEX_TYPES, MEDIA_TYPES, Document
from conda_store_artifacts.ports import PushedBlob, Registries
from conda_store_artifacts.use_cases.artifact_tools import Making, Stored, Tools
from conda_store_artifacts.use_cases.assemble_image import AssembledImage, assemble_image
from conda_store_artifacts.use_cases.call_option import call_option
from conda_store_artifacts.use_cases.image_making import ImageMaking
from conda_store_artifacts.use_cases.image_tools import PushTarget
from conda_store_artifacts.use_cases.mend_fragments import mending_fragments
from conda_store_artifacts.use_cases.registry_account import OPTION, open_account
from conda_store_shared.domain.canonical import sha256_hex
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.domain.storage_keys import image_blob_key
from conda_store_shared.errors import StageFailure

_AT_ONCE = 4
_NAME, _TAG = (f"ContainerRegistry.container_registry_image_{part}" for part in ("name", "tag"))


async def push_image(making: Making, tools: Tools) -> Stored:
    """Push to each registry; the keys are where the image is there.  Raises StageFailure.

    A registry that fails keeps none of the others from getting the image; then the first failure is raised.
    """
    image = ImageMaking(making=making, tools=tools)
    if not image.options.targets:
        raise StageFailure(
            FailureCode.IMAGE_NOT_POSSIBLE,
            f"there is no registry to push to; set {OPTION}, or take CONTAINER_REGISTRY out of build_artifacts",
        )

    async def push() -> Stored:
        assembled = await assemble_image(image)
        ended = await asyncio.gather(
            *(_push_to(target, assembled, image) for target in image.options.targets), return_exceptions=True
        )
        for failure in ended:
            if isinstance(failure, BaseException):
                raise failure
        keys = tuple(key for key in ended if isinstance(key, str))
        usual = assembled.documents.usual
        size = sum(layer.size for layer in assembled.layers.values())
        return Stored(size=size, digest=usual.digest, keys=keys)

    return await mending_fragments(push, making, tools)


async def _push_to(target: PushTarget, assembled: AssembledImage, image: ImageMaking) -> str:
    reference = await _reference(target, image)
    registries, repository = image.tools.images.registries(), reference.repository
    where = f"{target.address}/{repository.name}:{reference.reference}"
    (top, manifests), blobs = _documents(assembled), _blobs(assembled, image)
    sent = await _push_blobs(blobs, reference, registries)
    for manifest in manifests:
        await registries.push_document(repository, f"sha256:{manifest.digest}", manifest)
    await registries.push_document(repository, reference.reference, top)
    image.making.log(f"pushed {where}, {sent} of {len(blobs)} blobs were new there")
    return where


async def _reference(target: PushTarget, image: ImageMaking) -> ImageReference:
    """What the image is called at a registry; raises StageFailure for what no registry takes."""
    order = image.making.inputs.order
    account = await open_account(target)
    name: object = usual_image_name(order.namespace, order.environment, account.repository.username)
    tag: object = usual_tag(order.build_key)
    if target.name_image is not None:
        name = await call_option(_NAME, target.name_image, account.registry, view_of(order))
    if target.tag_image is not None:
        tag = await call_option(_TAG, target.tag_image, account.registry, view_of(order))
    for option, value, is_good in ((_NAME, name, is_image_name), (_TAG, tag, is_tag)):
        if not isinstance(value, str) or not is_good(value):
            raise StageFailure(FailureCode.IMAGE_NOT_POSSIBLE, f"{option} gives {value!r}, which no registry takes")
    return ImageReference(repository=dataclasses.replace(account.repository, name=str(name)), reference=str(tag))


def _documents(assembled: AssembledImage) -> tuple[Document, Sequence[Document]]:
    """What the tag is to name, and the manifests it names in turn, all in the style that most clients know."""
    top = assembled.documents.usual
    if top.media_type not in INDEX_TYPES:
        return top, ()
    types = next(types for types in MEDIA_TYPES.values() if types.index == top.media_type)
    return top, [each for each in assembled.documents.documents if each.media_type == types.manifest]


def _blobs(assembled: AssembledImage, image: ImageMaking) -> list[PushedBlob]:
    layers = [
        PushedBlob(
            digest=layer.digest, size=layer.size, read=partial(image.tools.store.stream, image_blob_key(layer.digest))
        )
        for layer in assembled.layers.values()
    ]
    return [*layers, *(_config_blob(each) for each in assembled.images)]


def _config_blob(image: PlatformImage) -> PushedBlob:
    async def read() -> AsyncIterator[bytes]:
        yield image.config

    return PushedBlob(digest=sha256_hex(image.config), size=len(image.config), read=read)


async def _push_blobs(blobs: Sequence[PushedBlob], reference: ImageReference, registries: Registries) -> int:
    """Send what is not there, some at once; return how many that was."""
    room = asyncio.Semaphore(_AT_ONCE)

    async def push(blob: PushedBlob) -> bool:
        async with room:
            return await registries.push_blob(reference.repository, blob)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(push(blob)) for blob in blobs]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from failures
    return sum(task.result() for task in tasks)
