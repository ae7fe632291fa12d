"""Packages of channels on disk: rattler takes them as they are, so they are compared with the lockfile here."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from conda_store_shared.domain.lockfile import LockedPackage
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure


def check_local_packages(packages: Iterable[LockedPackage]) -> None:
    """Raise StageFailure("hash_mismatch") for the first ``file://`` package that is not the one that was locked."""
    for package in packages:
        parts = urlsplit(package.url)
        if parts.scheme == "file":
            _check(package, Path(unquote(parts.path)))


def _check(package: LockedPackage, path: Path) -> None:
    algorithm, expected = ("sha256", package.sha256) if package.sha256 else ("md5", package.md5)
    if not expected:
        return
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, algorithm).hexdigest()
    except FileNotFoundError as error:
        detail = f"the channel has no package {path}; solve the specification again"
        raise StageFailure(FailureCode.CHANNEL_NOT_FOUND, detail) from error
    if found != expected.lower():
        detail = f"{path} is not the package the lockfile names: {algorithm} is {found}, expected {expected}"
        raise StageFailure(FailureCode.HASH_MISMATCH, detail)
