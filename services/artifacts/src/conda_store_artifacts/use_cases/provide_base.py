"""What an image is built upon: a base made of this machine, or the layers of a configured image."""

import dataclasses
import tempfile
from pathlib import Path

from conda_store_artifacts.domain.base_image import (
    ACCEPT,
    BaseImage,
    UnusableBase,
    read_base_config,
    read_base_index,
    read_base_manifest,
)
from conda_store_artifacts.domain.build_view import view_of
from conda_store_artifacts.domain.fragment import Blob
from conda_store_artifacts.domain.image_platform import ImagePlatform
from conda_store_artifacts.domain.image_reference import ImageReference
from conda_store_artifacts.domain.oci_manifest import INDEX_TYPES, Document, Layer
from conda_store_artifacts.repositories.blobs import find_blob, touch_blobs
from conda_store_artifacts.use_cases.call_option import call_option
from conda_store_artifacts.use_cases.image_making import ImageMaking
from conda_store_artifacts.use_cases.image_tools import BUILT_IN
from conda_store_artifacts.use_cases.provide_fragments import SCRATCH
from conda_store_artifacts.use_cases.registry_account import account_of
from conda_store_artifacts.use_cases.store_blob import LocalBlob, store_blob
from conda_store_shared.db.moments import now
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.domain.storage_keys import image_blob_key
from conda_store_shared.errors import StageFailure

_OPTION = "CondaStore.default_docker_base_image"
_BASE = "org.opencontainers.image.base"
_REMEDY = f"correct {_OPTION}, or set it to {BUILT_IN!r} to do without"


class NoBase(Exception):
    """Raised when there is no base for a platform; the message is the reason."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ChosenBase:
    """A base as it is configured, and the manifest or index that its name stands for now; neither when built in."""

    reference: ImageReference | None = None
    top: Document | None = None


async def choose_base(image: ImageMaking) -> ChosenBase:
    """Find out which base is meant, and what its tag stands for; raises StageFailure."""
    named = image.options.base
    if callable(named):
        named = await call_option(_OPTION, named, view_of(image.making.inputs.order))
    if not isinstance(named, str):
        raise _refused(f"{named!r} is no name of an image")
    if named.strip() in ("", BUILT_IN):
        return ChosenBase()
    try:
        reference = ImageReference.parse(named.strip())
    except ValueError as error:
        raise _refused(str(error)) from error
    repository = await account_of(reference.repository, image.options.targets)
    reference = dataclasses.replace(reference, repository=repository)
    top = await _fetch(reference, reference.reference, image)
    image.making.log(f"base image {reference.name}@sha256:{top.digest}")
    return ChosenBase(reference=reference, top=top)


async def provide_base(chosen: ChosenBase, platform: ImagePlatform, image: ImageMaking) -> BaseImage:
    """Return the base for a platform; raises NoBase, and StageFailure for one that cannot be had."""
    if chosen.reference is None or chosen.top is None:
        machine = image.tools.images.layers.machine
        if machine is None or not machine.runs(platform):
            raise NoBase(f"the built-in base is for the platform of the workers alone; set {_OPTION} to an image")
        files = await image.tools.images.layers.find_base()
        return BaseImage(layers=[await image.layer_of(files, "glibc and a shell")])
    try:
        return await _pull(chosen.reference, chosen.top, platform, image)
    except UnusableBase as error:
        raise _refused(f"{chosen.reference.name} cannot be a base: {error}") from error


async def _pull(reference: ImageReference, top: Document, platform: ImagePlatform, image: ImageMaking) -> BaseImage:
    manifest = top
    if top.media_type in INDEX_TYPES:
        digest = read_base_index(top.content, platform)
        if digest is None:
            raise NoBase(f"the base image {reference.name} has none for {platform}")
        manifest = await _fetch(reference, f"sha256:{digest}", image)
    read = read_base_manifest(manifest.content)
    content = await image.tools.images.registries().fetch_content(reference.repository, read.config)
    config, layers = read_base_config(content, read, platform)
    for layer in layers:
        await _store(reference, layer, image)
    annotations = {f"{_BASE}.name": reference.name, f"{_BASE}.digest": f"sha256:{manifest.digest}"}
    return BaseImage(layers=layers, config=config, annotations=annotations)


async def _fetch(reference: ImageReference, wanted: str, image: ImageMaking) -> Document:
    try:
        return await image.tools.images.registries().fetch_document(reference.repository, wanted, ACCEPT)
    except StageFailure as failure:
        detail = f"the base image {reference.name} cannot be had: {failure.detail}; {_REMEDY}"
        raise StageFailure(failure.cause, detail, transient=failure.transient) from failure


async def _store(reference: ImageReference, layer: Layer, image: ImageMaking) -> None:
    """Have a layer of the base in our store."""
    tools = image.tools
    async with tools.transactions.begin() as transaction:
        known = await find_blob(transaction.session, layer.digest)
        if known is not None:
            await touch_blobs(transaction.session, [layer.digest], now())
    if known is not None and await tools.store.head(known.key) is not None:
        return
    image.making.log(f"fetching layer {layer.digest[:12]} of the base image, {layer.size} bytes")
    with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=tools.work_directory) as directory:
        path = Path(directory) / "layer"
        size = await tools.images.registries().fetch_file(reference.repository, layer.digest, path)
        # How much is in it nobody has told, and nobody asks.
        blob = Blob(
            digest=layer.digest, key=image_blob_key(layer.digest), size=size, raw_digest=layer.diff_id, raw_size=0
        )
        await store_blob(LocalBlob(blob=blob, path=path), transactions=tools.transactions, store=tools.store)


def _refused(reason: str) -> StageFailure:
    return StageFailure(FailureCode.IMAGE_NOT_POSSIBLE, f"{reason}; {_REMEDY}")
