"""Make one artifact of a completed build and put it into the object store."""

import asyncio
import errno
import hashlib
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from conda_store_artifacts.domain.exported_environment import export_environment
from conda_store_artifacts.use_cases.artifact_tools import Making, Stored, Tools
from conda_store_artifacts.use_cases.make_archive import make_archive
from conda_store_artifacts.use_cases.make_image import find_image, make_image
from conda_store_artifacts.use_cases.make_installer import make_installer
from conda_store_artifacts.use_cases.push_image import push_image
from conda_store_artifacts.use_cases.read_inputs import read_inputs
from conda_store_shared.contracts.events import ArtifactRequested, ArtifactStored
from conda_store_shared.domain.artifact import PACKED_TYPES, ArtifactType
from conda_store_shared.domain.canonical import sha256_hex
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.domain.storage_keys import artifact_key, content_type_of
from conda_store_shared.errors import NotFound, StageFailure
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.worker.stage import StageContext

# In front of every line of the build's log, as upstream's users know it (contract §4.4).
_STEP = {
    ArtifactType.YAML: "action_generate_conda_export",
    ArtifactType.CONDA_PACK: "action_generate_conda_pack",
    ArtifactType.DOCKER_MANIFEST: "action_generate_docker_image",
    ArtifactType.CONTAINER_REGISTRY: "action_push_docker_image",
    ArtifactType.CONSTRUCTOR_INSTALLER: "action_generate_constructor_installer",
}


async def store_artifact(request: ArtifactRequested, context: StageContext, *, tools: Tools) -> ArtifactStored:
    """Store the wanted artifact; when a whole one is there already, only say so again.

    Raises StageFailure: internal_error for a type nobody here can make, else what reading and packing raise.
    """
    artifact_type = _known_type(request.artifact_type)
    # What is sent elsewhere is no object.
    is_pushed = artifact_type == ArtifactType.CONTAINER_REGISTRY
    key = "" if is_pushed else artifact_key(artifact_type, request.build_key)
    stored = None if is_pushed else await _find(artifact_type, key, request.build_key, tools.store)
    if stored is None:
        step, began = _STEP[artifact_type], time.monotonic()
        inputs = await read_inputs(request, store=tools.store)
        making = Making(artifact_type=artifact_type, key=key, step=step, inputs=inputs, context=context)
        with _explained(making.deadline):
            async with asyncio.timeout(making.deadline):
                stored = await _MAKE[artifact_type](making, tools)
        making.log(f"Action {step} completed in {time.monotonic() - began:.3f} s.")
    return ArtifactStored(
        build_id=request.build_id,
        build_key=request.build_key,
        stage=context.stage,
        attempt_id=context.attempt.attempt_id,
        attempt_started_at=context.attempt.started_at,
        artifact_type=artifact_type,
        key=stored.keys[0] if stored.keys else key,
        size=stored.size,
        digest=stored.digest,
        further_keys=stored.keys[1:],
    )


def _known_type(name: str) -> ArtifactType:
    if name not in PACKED_TYPES:
        known = ", ".join(PACKED_TYPES)
        raise StageFailure(FailureCode.INTERNAL_ERROR, f"artifacts of type {name!r} cannot be made; known are {known}")
    return ArtifactType(name)


async def _find(artifact_type: ArtifactType, key: str, build_key: str, store: ObjectStore) -> Stored | None:
    """An object appears whole under a key that is one build's alone: if it is there, it is the artifact."""
    if await store.head(key) is None:
        return None
    if artifact_type == ArtifactType.DOCKER_MANIFEST:
        return await find_image(build_key, store)
    hasher, size = hashlib.sha256(), 0
    try:
        async for piece in store.stream(key):
            hasher.update(piece)
            size += len(piece)
    except NotFound:
        return None
    return Stored(size=size, digest=hasher.hexdigest())


async def _make_yaml(making: Making, tools: Tools) -> Stored:
    inputs = making.inputs
    text = export_environment(inputs.order, inputs.lockfile, inputs.record).encode()
    await tools.store.put(making.key, text, content_type_of(making.key))
    return Stored(size=len(text), digest=sha256_hex(text))


@contextmanager
def _explained(deadline: float) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise StageFailure(FailureCode.TIMEOUT, f"stopped: not stored within {deadline:g} seconds") from error
    except OSError as error:
        cause = FailureCode.DISK_FULL if error.errno == errno.ENOSPC else FailureCode.PACK_FAILED
        raise StageFailure(cause, f"the archive cannot be written: {error.strerror}", transient=True) from error


_MAKE: dict[ArtifactType, Callable[[Making, Tools], Awaitable[Stored]]] = {
    ArtifactType.YAML: _make_yaml,
    ArtifactType.CONDA_PACK: make_archive,
    ArtifactType.DOCKER_MANIFEST: make_image,
    ArtifactType.CONTAINER_REGISTRY: push_image,
    ArtifactType.CONSTRUCTOR_INSTALLER: make_installer,
}
