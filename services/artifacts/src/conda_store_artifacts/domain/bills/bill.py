"""What every bill of materials says, whatever its format."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from conda_store_artifacts.domain.package_url import package_url
from conda_store_shared.domain.lockfile import LockedPackage, Lockfile


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledPackage:
    """A package with its package URL; ``license`` is as its channel writes it, ``depends`` are URLs of others here."""

    package: LockedPackage
    purl: str
    license: str | None
    depends: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """The build that is described; ``created_on`` is UTC without a zone, ``tool`` the version of this software."""

    namespace: str
    environment: str
    build_key: str
    created_on: datetime
    tool: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """The packages of one platform; the same build always gives the same bill."""

    described: Described
    lockfile_digest: str
    platform: str
    packages: tuple[BilledPackage, ...]

    @property
    def name(self) -> str:
        """The environment, with its namespace."""
        return f"{self.described.namespace}/{self.described.environment}"

    @property
    def created(self) -> str:
        """When the build was asked for, as ISO 8601 with seconds."""
        return f"{self.described.created_on.replace(microsecond=0).isoformat()}Z"

    def uuid(self, form: str) -> uuid.UUID:
        """The number of the bill in a format, which follows from what it is about."""
        told = "/".join((form, self.described.tool, self.described.build_key, self.lockfile_digest, self.platform))
        return uuid.uuid5(uuid.NAMESPACE_URL, f"conda-store/{told}")


def make_bill(described: Described, lockfile: Lockfile, platform: str, licenses: Mapping[tuple[str, str], str]) -> Bill:
    """Return the bill of one platform; ``licenses`` are by name and version, of packages of conda."""
    chosen = {one.url: one for manager in ("conda", "pip") for one in lockfile.select(platform, manager)}
    urls = {package.name: package_url(package) for package in chosen.values() if package.manager == "conda"}
    packages = [
        BilledPackage(
            package=package,
            purl=package_url(package),
            license=licenses.get((package.name, package.version)) if package.manager == "conda" else None,
            depends=tuple(sorted({urls[name] for name in package.dependencies if name in urls})),
        )
        for package in chosen.values()
    ]
    return Bill(
        described=described,
        lockfile_digest=lockfile.digest,
        platform=platform,
        packages=tuple(sorted(packages, key=lambda billed: billed.purl)),
    )
