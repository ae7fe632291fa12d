"""Compares what two builds consist of."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import httpx

from conda_store_client.answers import field
from conda_store_client.builds import COMPLETED, find_build
from conda_store_client.connection import Connection
from conda_store_client.errors import ClientError, RequestRefused

_CONDA, _PIP = "conda", "pip"
_ENDINGS = (".conda", ".tar.bz2")
# S3 hides what is missing behind 403.
_MISSING = (httpx.codes.NOT_FOUND, httpx.codes.FORBIDDEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package of a build; what is not known of it is empty."""

    manager: str
    platform: str
    name: str
    version: str
    build: str = ""
    channel: str = ""
    sha256: str = ""

    @property
    def identity(self) -> tuple[str, str, str]:
        """What makes it the same package in another build."""
        return self.name, self.manager, self.platform

    def told_apart_from(self, other: "Package") -> str:
        """The version, and the first thing besides that differs from another one's."""
        if self.version == other.version:
            for mine, its in ((self.build, other.build), (self.channel, other.channel), (self.sha256, other.sha256)):
                if mine != its:
                    return f"{self.version} {mine}"
        return self.version


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """What the second of two builds has, lacks, and has otherwise."""

    added: Sequence[Package]
    removed: Sequence[Package]
    changed: Sequence[tuple[Package, Package]]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def compare(connection: Connection, one: int, other: int) -> Differences:
    """Return how the packages of two completed builds differ; raises ClientError.

    The lockfiles tell; where one of the builds has none, the lists of conda packages do, which know less.
    """
    for build_id in (one, other):
        build = find_build(connection, build_id)
        if build.status != COMPLETED:
            raise ClientError(f"Build {build_id} has no packages to compare: it is {build.status}", build.reason)
    before, after = (_locked_packages(connection, build_id) for build_id in (one, other))
    if before is None or after is None:
        before, after = (list(_list_packages(connection, build_id)) for build_id in (one, other))
    return differences(before, after)


def differences(before: Sequence[Package], after: Sequence[Package]) -> Differences:
    """Return how the second packages differ from the first, in the order of their names."""
    old, new = ({package.identity: package for package in packages} for packages in (before, after))
    return Differences(
        added=[new[key] for key in sorted(new.keys() - old.keys())],
        removed=[old[key] for key in sorted(old.keys() - new.keys())],
        changed=[(old[key], new[key]) for key in sorted(old.keys() & new.keys()) if old[key] != new[key]],
    )


def _locked_packages(connection: Connection, build_id: int) -> list[Package] | None:
    try:
        response = connection.get(f"/api/v1/build/{build_id}/lockfile/")
    except RequestRefused as refusal:
        if refusal.status in _MISSING:
            return None
        raise
    try:
        lockfile = json.loads(response.content)
    except ValueError:
        # Builds of very old servers have a list of addresses.
        return None
    return list(map(_locked_package, field(lockfile, "package", list)))


def _locked_package(row: Any) -> Package:
    address = field(row, "url", str)
    is_conda = field(row, "manager", str) == _CONDA
    name, version, hashes = field(row, "name", str), field(row, "version", str), row.get("hash")
    return Package(
        manager=field(row, "manager", str),
        platform=field(row, "platform", str),
        name=name,
        version=version,
        build=_build_of(address, name, version) if is_conda else "",
        channel=address.rsplit("/", 2)[0] if is_conda else "",
        sha256=str(hashes.get("sha256") or "") if isinstance(hashes, Mapping) else "",
    )


def _build_of(address: str, name: str, version: str) -> str:
    filename = PurePosixPath(urlsplit(address).path).name
    stem = next((filename.removesuffix(ending) for ending in _ENDINGS if filename.endswith(ending)), "")
    return stem.removeprefix(f"{name}-{version}-")


def _list_packages(connection: Connection, build_id: int) -> Iterator[Package]:
    for row in connection.get_pages(f"/api/v1/build/{build_id}/packages/", {}):
        channel = field(field(row, "channel", dict), "name", str)
        yield Package(
            manager=_CONDA,
            platform="",
            name=field(row, "name", str),
            version=field(row, "version", str),
            channel=channel,
        )
