"""What a build can leave behind."""

from enum import StrEnum


class ArtifactType(StrEnum):
    """Kinds of artifact, with upstream's names (contract §2.2)."""

    DIRECTORY = "DIRECTORY"
    LOCKFILE = "LOCKFILE"
    LOGS = "LOGS"
    YAML = "YAML"
    CONDA_PACK = "CONDA_PACK"
    DOCKER_BLOB = "DOCKER_BLOB"
    DOCKER_MANIFEST = "DOCKER_MANIFEST"
    CONTAINER_REGISTRY = "CONTAINER_REGISTRY"
    CONSTRUCTOR_INSTALLER = "CONSTRUCTOR_INSTALLER"


# What the artifacts service can make today; the other types are accepted in settings and left out of a build's order.
PACKED_TYPES = (
    ArtifactType.YAML,
    ArtifactType.CONDA_PACK,
    ArtifactType.CONSTRUCTOR_INSTALLER,
    ArtifactType.DOCKER_MANIFEST,
    ArtifactType.CONTAINER_REGISTRY,
)
