"""Every key in the object store, drawn:

    logs/<build_key>.log                 what the stages said, once the build is over
    lockfile/<build_key>.yml             conda-lock version 1, as JSON text
    yaml/<build_key>.yml                 exported environment
    archive/<build_key>.tar.gz           conda-pack archive
    archive/<build_key>.tar.zst          the same, compressed by zstd; made when somebody asks for it
    installer/<build_key>.sh             the archive as a program that unpacks it
    order/<build_key>.json               what was asked for, fully resolved; read by every stage
    prefix/<build_key>.json              what the builder installed: packages, sizes, path
    canceled/<build_key>                 marker: requests for this build are not to be begun
    index/<digest of address>/<subdir>   the packages of one subdir of a channel
    solve/<solve_id>/order.json          what a remote solve is about; gone when nobody waits for it any more
    solve/<solve_id>/packages.json       what it found
    fragment/<digest>                    a package's files, compressed, as archives are put together of them
    found/<digest>.yml                   text of a watched file, one for each content
    docker/manifest/<build_key>          the manifest of a build's image, or the index of its platforms
    docker/manifest/sha256:<digest>      each manifest and index of each image, by its content
    docker/blobs/<digest>                layers and configurations of images, shared by all that have them
    image/<build_key>.json               by which manifests the image of a build can be had

No key is a prefix of another, since not every store can hold both ``x`` and ``x/y``.
"""

import re
from collections.abc import Collection

from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.canonical import sha256_hex

CONTENT_TYPES = {
    "logs": "text/plain; charset=utf-8",
    "lockfile": "application/json",
    "yaml": "text/yaml",
    "archive": "application/gzip",
    "image": "application/json",
}
_FRAGMENT_KEY = re.compile(r"fragment/([0-9a-f]{64})")
_ARTIFACT_KEYS = {
    ArtifactType.LOGS: "logs/{}.log",
    ArtifactType.LOCKFILE: "lockfile/{}.yml",
    ArtifactType.YAML: "yaml/{}.yml",
    ArtifactType.CONDA_PACK: "archive/{}.tar.gz",
    ArtifactType.CONSTRUCTOR_INSTALLER: "installer/{}.sh",
    ArtifactType.DOCKER_MANIFEST: "docker/manifest/{}",
}
_PUBLIC_KEY = re.compile(
    r"(?:logs/(.+)\.log|lockfile/(.+)\.yml|yaml/(.+)\.yml|archive/(.+)\.tar\.(?:gz|zst)|installer/(.+)\.sh)", re.DOTALL
)


def artifact_key(artifact_type: ArtifactType, build_key: str) -> str:
    """Key of an artifact of ``artifact_type``; raises KeyError for a type that is no single object."""
    return _ARTIFACT_KEYS[artifact_type].format(build_key)


def artifact_types_of(build_key: str, keys: Collection[str]) -> list[ArtifactType]:
    """The types whose artifacts of a build are among ``keys``."""
    return [kind for kind in _ARTIFACT_KEYS if artifact_key(kind, build_key) in keys]


def zstd_archive_key(build_key: str) -> str:
    """Key of the archive that is compressed by zstd."""
    return f"archive/{build_key}.tar.zst"


def order_key(build_key: str) -> str:
    """Key of a build's order."""
    return f"order/{build_key}.json"


def prefix_record_key(build_key: str) -> str:
    """Key of the record of an installed prefix."""
    return f"prefix/{build_key}.json"


def canceled_key(build_key: str) -> str:
    """Key of the marker that stops requests for a canceled build."""
    return f"canceled/{build_key}"


def channel_index_key(channel: str, subdir: str) -> str:
    """Key of the newest list of packages of one subdir of a channel."""
    return f"index/{sha256_hex(channel.encode())[:32]}/{subdir}"


def solve_order_key(solve_id: str) -> str:
    """Key of the order of a remote solve."""
    return f"solve/{solve_id}/order.json"


def solve_answer_key(solve_id: str) -> str:
    """Key of the packages that a remote solve found."""
    return f"solve/{solve_id}/packages.json"


def image_record_key(build_key: str) -> str:
    """Key of the record of a build's image."""
    return f"image/{build_key}.json"


def image_document_key(digest: str) -> str:
    """Key of a manifest or an index; ``digest`` is SHA-256 in hex."""
    return f"docker/manifest/sha256:{digest}"


def image_blob_key(digest: str) -> str:
    """Key of a layer or a configuration of images; ``digest`` is SHA-256 in hex."""
    return f"docker/blobs/{digest}"


def fragment_key(digest: str) -> str:
    """Key of a blob that archives are put together of."""
    return f"fragment/{digest}"


def fragment_digest(key: str) -> str | None:
    """The digest in the key of a fragment; None for any other key."""
    found = _FRAGMENT_KEY.fullmatch(key)
    return found[1] if found else None


def found_specification_key(digest: str) -> str:
    """Key of the text of a watched file."""
    return f"found/{digest}.yml"


def keys_of_build(build_key: str, kept: Collection[ArtifactType] = ()) -> tuple[str, ...]:
    """Every key a build may have an object under, but for artifacts of the ``kept`` types.

    The order comes first: without it no stage begins.
    """
    artifacts = [artifact_key(kind, build_key) for kind in _ARTIFACT_KEYS if kind not in kept]
    image = () if ArtifactType.DOCKER_MANIFEST in kept else (image_record_key(build_key),)
    zstd = () if ArtifactType.CONDA_PACK in kept else (zstd_archive_key(build_key),)
    return (order_key(build_key), prefix_record_key(build_key), *artifacts, *zstd, *image, canceled_key(build_key))


def content_type_of(key: str) -> str:
    """MIME type under which the object ``key`` is kept and served."""
    if key.endswith(".tar.zst"):
        return "application/zstd"
    return CONTENT_TYPES.get(key.split("/", 1)[0], "application/octet-stream")


def build_key_of(key: str) -> str | None:
    """Build key inside a public artifact key; None when ``key`` is not one a user may fetch."""
    found = _PUBLIC_KEY.fullmatch(key)
    return next(group for group in found.groups() if group) if found else None
