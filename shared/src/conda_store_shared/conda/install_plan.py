"""What is installed, where and how: plain values, for a parent that loads nothing of what its children do with them."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conda_store_shared.conda.credentials import Credentials
from conda_store_shared.conda.ownership import Ownership
from conda_store_shared.conda.package_cache import PackageCache
from conda_store_shared.conda.package_check import PackageLimits
from conda_store_shared.conda.sandbox.confinement import AUTO, Confinement, Limits
from conda_store_shared.domain.lockfile import LockedPackage, Lockfile
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure

_PACKAGE_FIELDS = tuple(field.name for field in dataclasses.fields(LockedPackage))


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallPlan:
    """Everything the two halves need; JSON in and out.

    ``prefix`` is the final place; ``cache`` the root of the package caches; ``link_mode`` is ``auto`` or ``copy``;
    ``uv`` the program.  ``sandbox`` (see ``sandbox.confinement``) and ``memory_bytes`` are for code that packages
    bring.  ``credentials`` are of channels and package indexes, by name; ``trusted_hosts`` hosts of pip packages whose
    certificates need not be good.  ``downloads`` packages are fetched and unpacked at once; each takes memory.
    """

    platform: str
    conda: tuple[LockedPackage, ...]
    pip: tuple[LockedPackage, ...]
    prefix: str
    cache: str
    link_mode: str
    ownership: Ownership
    uv: str
    builds_sdists: bool = False
    sandbox: str = AUTO
    memory_bytes: int | None = None
    limits: PackageLimits = field(default_factory=PackageLimits)
    credentials: Credentials = field(default_factory=dict, repr=False)
    pip_environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    trusted_hosts: tuple[str, ...] = ()
    downloads: int | None = None

    def to_json(self) -> dict[str, Any]:
        """For the arguments of a call."""
        value = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        packages = {name: [_fields(package) for package in value[name]] for name in ("conda", "pip")}
        parts = {name: dataclasses.asdict(value[name]) for name in ("ownership", "limits")}
        return {**value, **packages, **parts}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "InstallPlan":
        """Read what ``to_json`` gave."""
        packages = {name: tuple(LockedPackage(**package) for package in value[name]) for name in ("conda", "pip")}
        own = {
            "ownership": Ownership(**value["ownership"]),
            "limits": PackageLimits(**value["limits"]),
            "trusted_hosts": tuple(value["trusted_hosts"]),
        }
        return cls(**{**value, **packages, **own})

    @property
    def package_cache(self) -> PackageCache:
        """The caches it uses."""
        return PackageCache(root=Path(self.cache), ownership=self.ownership.within_reach())

    @property
    def confinement(self) -> Confinement:
        """How code of packages is confined."""
        limits = Limits(memory_bytes=self.memory_bytes)
        return Confinement(mode=self.sandbox, hidden=(Path(self.cache),), limits=limits)


def _fields(package: LockedPackage) -> dict[str, Any]:
    return {name: getattr(package, name) for name in _PACKAGE_FIELDS}


def select_packages(lockfile: Lockfile, platform: str) -> dict[str, tuple[LockedPackage, ...]]:
    """The packages of ``platform`` by manager; raises StageFailure("invalid_lockfile") when it was not locked for."""
    if platform not in lockfile.platforms:
        locked = ", ".join(lockfile.platforms) or "none"
        detail = f"the lockfile is not for platform {platform}, on which it is installed; it is for: {locked}"
        raise StageFailure(FailureCode.INVALID_LOCKFILE, detail)
    return {manager: lockfile.select(platform, manager) for manager in ("conda", "pip")}
