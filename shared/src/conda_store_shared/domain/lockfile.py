"""A conda-lock version 1 lockfile as a value: checked, selected by platform, digested."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conda_store_shared.domain.canonical import sha256_hex
from conda_store_shared.domain.package_address import is_part
from conda_store_shared.errors import InvalidLockfile

_DIGEST = re.compile("[0-9a-fA-F]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedPackage:
    """One package for one platform; ``build`` is None where the lockfile does not tell (upstream's never does)."""

    name: str
    version: str
    manager: str
    platform: str
    url: str
    md5: str | None
    sha256: str | None
    build: str | None
    dependencies: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lockfile:
    """The whole lockfile; ``value`` is the document as it is stored and offered for download."""

    value: Mapping[str, Any]
    packages: tuple[LockedPackage, ...]
    platforms: tuple[str, ...]

    @classmethod
    def from_value(cls, value: Any) -> "Lockfile":
        """Check a decoded document; raises InvalidLockfile."""
        if not isinstance(value, Mapping):
            raise InvalidLockfile("a lockfile is a mapping with the keys version, metadata and package")
        if value.get("version", 1) != 1:
            raise InvalidLockfile(f"lockfile version {value.get('version')!r} is not known; expected 1")
        packages, metadata = value.get("package"), value.get("metadata")
        if not isinstance(packages, list) or not isinstance(metadata, Mapping):
            raise InvalidLockfile("a lockfile needs `metadata`, a mapping, and `package`, a list")
        platforms = metadata.get("platforms")
        if not isinstance(platforms, list) or not all(isinstance(platform, str) for platform in platforms):
            raise InvalidLockfile("`metadata.platforms` of a lockfile is a list of platforms, such as linux-64")
        return cls(
            value={**value, "version": 1},
            packages=tuple(_package(index, package) for index, package in enumerate(packages)),
            platforms=tuple(platforms),
        )

    @classmethod
    def from_text(cls, text: str | bytes) -> "Lockfile":
        """Read the stored form, which is JSON; raises InvalidLockfile."""
        try:
            return cls.from_value(json.loads(text))
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidLockfile(f"the lockfile is not JSON: {error}") from error

    def to_text(self) -> str:
        """The stored form: JSON, indented by 4 as upstream stores it."""
        return json.dumps(self.value, indent=4)

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the stored form."""
        return sha256_hex(self.to_text().encode())

    @property
    def channels(self) -> tuple[str, ...]:
        """Addresses of the channels it names, as it names them."""
        channels = self.value["metadata"].get("channels")
        listed = channels if isinstance(channels, list) else []
        rows = [row.get("url") if isinstance(row, Mapping) else row for row in listed]
        return tuple(row for row in rows if isinstance(row, str))

    def select(self, platform: str, manager: str) -> tuple[LockedPackage, ...]:
        """The packages of one platform that ``manager`` (``conda`` or ``pip``) installs, in locked order."""
        return tuple(
            package for package in self.packages if package.platform == platform and package.manager == manager
        )


def _package(index: int, value: Any) -> LockedPackage:
    if not isinstance(value, Mapping):
        raise InvalidLockfile(f"package {index} of the lockfile is not a mapping")
    for key in ("name", "version", "manager", "platform", "url"):
        if not isinstance(value.get(key), str):
            raise InvalidLockfile(f"package {index} of the lockfile needs `{key}`, a string")
    if value["manager"] not in ("conda", "pip"):
        raise InvalidLockfile(f"package {value['name']} of the lockfile has manager {value['manager']!r}")
    hashes, dependencies = value.get("hash") or {}, value.get("dependencies") or {}
    if not isinstance(hashes, Mapping) or not isinstance(dependencies, Mapping):
        raise InvalidLockfile(f"`hash` and `dependencies` of package {value['name']} of the lockfile are mappings")
    if not all(isinstance(digest, str | None) for digest in (hashes.get("md5"), hashes.get("sha256"))):
        raise InvalidLockfile(f"`hash` of package {value['name']} of the lockfile holds digests as text")
    if not isinstance(value.get("build"), str | None):
        raise InvalidLockfile(f"`build` of package {value['name']} of the lockfile is a string")
    _check_parts(index, value)
    return LockedPackage(
        name=value["name"],
        version=value["version"],
        manager=value["manager"],
        platform=value["platform"],
        url=value["url"],
        md5=_lower(hashes.get("md5")),
        sha256=_lower(hashes.get("sha256")),
        build=value.get("build"),
        dependencies=dict(dependencies),
    )


def _check_parts(index: int, value: Mapping[str, Any]) -> None:
    """Names of files and directories are made of them."""
    for key in ("name", "version", "build"):
        part = value.get(key)
        if part is not None and not is_part(part):
            raise InvalidLockfile(f"`{key}` of package {index} of the lockfile is none: {part[:80]!a}")
    for algorithm in ("md5", "sha256"):
        digest = (value.get("hash") or {}).get(algorithm)
        if digest and not _DIGEST.fullmatch(digest):
            told = f"package {index} of the lockfile has a digest that is no {algorithm}"
            raise InvalidLockfile(f"{told}: {digest[:80]!a}")


def _lower(digest: str | None) -> str | None:
    """Hex digits as we compare them; an empty digest is none."""
    return digest.lower() if digest else None
