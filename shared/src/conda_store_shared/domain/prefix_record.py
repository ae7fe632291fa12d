"""What the builder reports about an installed prefix; kept at ``prefix/<build_key>.json``."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conda_store_shared.domain.canonical import canonical_json, sha256_hex


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledPackage:
    """One conda package as its ``conda-meta`` record tells; ``size`` is in bytes, -1 when unknown; ``timestamp`` in ms.

    ``channel`` is the base address without credentials.
    """

    channel: str
    name: str
    version: str
    build: str
    build_number: int
    subdir: str
    md5: str
    sha256: str
    size: int
    depends: tuple[str, ...]
    constrains: tuple[str, ...]
    license: str | None
    license_family: str | None
    summary: str | None
    timestamp: int | None

    @classmethod
    def from_value(cls, value: Mapping[str, Any]) -> "InstalledPackage":
        """Read plain values."""
        return cls(**{**value, "depends": tuple(value["depends"]), "constrains": tuple(value["constrains"])})


_PACKAGE_FIELDS = tuple(field.name for field in dataclasses.fields(InstalledPackage))


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefixRecord:
    """A whole prefix: ``apparent_bytes`` counts every file, ``unique_bytes`` only files no package cache shares."""

    path: str
    apparent_bytes: int
    unique_bytes: int
    packages: tuple[InstalledPackage, ...]

    def to_bytes(self) -> bytes:
        """The stored form: canonical JSON."""
        packages = [{name: getattr(package, name) for name in _PACKAGE_FIELDS} for package in self.packages]
        value = {name: getattr(self, name) for name in ("path", "apparent_bytes", "unique_bytes")}
        return canonical_json({**value, "packages": packages})

    @classmethod
    def from_bytes(cls, content: bytes) -> "PrefixRecord":
        """Read the stored form, which only the builder writes."""
        value = json.loads(content)
        packages = tuple(map(InstalledPackage.from_value, value.pop("packages")))
        return cls(packages=packages, **value)

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the stored form."""
        return sha256_hex(self.to_bytes())
