"""Every key in the object store, drawn:

    logs/<build_key>.log                 what the stages said, once the build is over
    lockfile/<build_key>.yml             conda-lock version 1, as JSON text
    yaml/<build_key>.yml                 exported environment
    archive/<build_key>.tar.gz           conda-pack archive
    order/<build_key>.json               what was asked for, fully resolved; read by every stage
    prefix/<build_key>.json              what the builder installed: packages, sizes, path
    canceled/<build_key>                 marker: requests for this build are not to be begun

No key is a prefix of another, since not every store can hold both ``x`` and ``x/y``.
"""

import re

from conda_store_shared.domain.artifact import ArtifactType

CONTENT_TYPES = {
    "logs": "text/plain; charset=utf-8",
    "lockfile": "application/json",
    "yaml": "text/yaml",
    "archive": "application/gzip",
}
_ARTIFACT_KEYS = {
    ArtifactType.LOGS: "logs/{}.log",
    ArtifactType.LOCKFILE: "lockfile/{}.yml",
    ArtifactType.YAML: "yaml/{}.yml",
    ArtifactType.CONDA_PACK: "archive/{}.tar.gz",
}
_PUBLIC_KEY = re.compile(r"(?:logs/(.+)\.log|lockfile/(.+)\.yml|yaml/(.+)\.yml|archive/(.+)\.tar\.gz)", re.DOTALL)


def artifact_key(artifact_type: ArtifactType, build_key: str) -> str:
    """Key of an artifact of ``artifact_type``; raises KeyError for a type that is no single object."""
    return _ARTIFACT_KEYS[artifact_type].format(build_key)


def order_key(build_key: str) -> str:
    """Key of a build's order."""
    return f"order/{build_key}.json"


def prefix_record_key(build_key: str) -> str:
    """Key of the record of an installed prefix."""
    return f"prefix/{build_key}.json"


def canceled_key(build_key: str) -> str:
    """Key of the marker that stops requests for a canceled build."""
    return f"canceled/{build_key}"


def content_type_of(key: str) -> str:
    """MIME type under which the object ``key`` is kept and served."""
    return CONTENT_TYPES.get(key.split("/", 1)[0], "application/octet-stream")


def build_key_of(key: str) -> str | None:
    """Build key inside a public artifact key; None when ``key`` is not one a user may fetch."""
    found = _PUBLIC_KEY.fullmatch(key)
    return next(group for group in found.groups() if group) if found else None
