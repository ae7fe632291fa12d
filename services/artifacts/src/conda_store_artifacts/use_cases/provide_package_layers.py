"""The layers of an image's packages: each its own, small ones together where there are too many."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from conda_store_artifacts.domain.fragment import Blob, Fragment
from conda_store_artifacts.domain.layer_plan import PlannedPackage, plan_layers
from conda_store_artifacts.domain.oci_manifest import Layer
from conda_store_artifacts.ports import MadeLayer
from conda_store_artifacts.use_cases.image_making import ImageMaking
from conda_store_artifacts.use_cases.provide_layer import provide_layer
from conda_store_artifacts.use_cases.read_parts import BlobDamaged
from conda_store_shared.domain.canonical import sha256_hex
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.domain.storage_keys import image_blob_key
from conda_store_shared.errors import NotFound, StageFailure

_LARGEST_SMALL = 256 * 1024 * 1024
_AT_ONCE = 16


async def provide_package_layers(fragments: Sequence[Fragment], others: int, image: ImageMaking) -> list[Layer]:
    """Return the layers, the largest first; the image has ``others`` besides.  Raises StageFailure, BlobDamaged."""
    packages = [PlannedPackage(name=_name(fragment), size=fragment.blob.raw_size) for fragment in fragments]
    try:
        planned = plan_layers(packages, others)
    except ValueError as error:
        raise StageFailure(FailureCode.IMAGE_NOT_POSSIBLE, f"{error}; choose a base image of fewer layers") from error
    layers = []
    for group in planned:
        members = [fragments[index] for index in group]
        blob = members[0].blob if len(members) == 1 else await _merged(members, image)
        layers.append(image.layer(blob, ", ".join(f"conda install {_told(member)}" for member in members)))
    return layers


async def check_layers(layers: Sequence[Layer], image: ImageMaking) -> None:
    """Raise BlobDamaged for one whose object is gone, or is not as long as it was."""
    room = asyncio.Semaphore(_AT_ONCE)

    async def check(layer: Layer) -> None:
        key = image_blob_key(layer.digest)
        async with room:
            stored = await image.tools.store.head(key)
        if stored is None or stored.size != layer.size:
            raise BlobDamaged(
                Blob(digest=layer.digest, key=key, size=layer.size, raw_digest=layer.diff_id, raw_size=0)
            )

    try:
        async with asyncio.TaskGroup() as group:
            for layer in layers:
                group.create_task(check(layer))
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from failures


async def _merged(members: Sequence[Fragment], image: ImageMaking) -> Blob:
    identity = {
        "kind": "merged",
        "layers": [member.blob.digest for member in members],
        "codec": image.format.codec,
        "level": image.format.level,
    }

    async def make(directory: Path) -> MadeLayer:
        making, layers = image.making, image.tools.images.layers
        paths = [await _fetch(member.blob, directory / str(number), image) for number, member in enumerate(members)]
        return await layers.merge(paths, image.format, directory / "merged", making.deadline, making.context)

    return await provide_layer(identity, make, image.tools)


async def _fetch(blob: Blob, path: Path, image: ImageMaking) -> Path:
    try:
        content = await image.tools.store.get(blob.key, _LARGEST_SMALL)
    except NotFound as error:
        raise BlobDamaged(blob) from error
    if sha256_hex(content) != blob.digest:
        raise BlobDamaged(blob)
    await asyncio.to_thread(path.write_bytes, content)
    return path


def _name(fragment: Fragment) -> str:
    """The name of a package, for which there is no other in the environment."""
    package = fragment.package
    return package.name if package.manager == "conda" else f"{package.manager}:{package.name}"


def _told(fragment: Fragment) -> str:
    package = fragment.package
    return "=".join(part for part in (package.name, package.version, package.build) if part)
