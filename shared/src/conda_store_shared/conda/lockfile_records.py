"""Locked packages as the records rattler installs, whoever wrote the lockfile."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from rattler.exceptions import InvalidPackageNameError, InvalidVersionError
from rattler.package.build_string import BuildString
from rattler.repo_data import PackageRecord, RepoDataRecord

from conda_store_shared.conda.channels import strip_credentials
from conda_store_shared.domain.lockfile import LockedPackage
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure

_ENDINGS = (".conda", ".tar.bz2")


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageAddress:
    """What the address of a conda package tells; ``channel`` is its base address, ``build`` the build string."""

    channel: str
    subdir: str
    file_name: str
    name: str
    version: str
    build: str

    @classmethod
    def parse(cls, url: str) -> "PackageAddress":
        """Take the address apart; raises ValueError when it does not end in SUBDIR/NAME-VERSION-BUILD.conda."""
        base, _, _ = url.partition("#")
        pieces = base.rsplit("/", 2)
        file_name = unquote(pieces[-1])
        stem = next((file_name.removesuffix(ending) for ending in _ENDINGS if file_name.endswith(ending)), "")
        names = stem.rsplit("-", 2)
        if len(pieces) != 3 or len(names) != 3 or not all(names) or not pieces[1] or not urlsplit(base).scheme:
            raise ValueError(f"{strip_credentials(url)} is not the address of a conda package")
        name, version, build = names
        return cls(channel=pieces[0], subdir=pieces[1], file_name=file_name, name=name, version=version, build=build)


def record_of(package: LockedPackage) -> RepoDataRecord:
    """The record of one conda package; raises StageFailure("invalid_lockfile").

    conda-lock writes no build string, so it is read from the file name, as everything else the lockfile leaves out.
    """
    url, _, _ = package.url.partition("#")
    try:
        address = PackageAddress.parse(url)
        if package.name != address.name:
            raise ValueError(f"{strip_credentials(url)} is another package")
        record = PackageRecord(
            name=package.name,
            version=package.version,
            build=BuildString(package.build or address.build),
            build_number=0,
            subdir=address.subdir,
            depends=depends_of(package),
            sha256=bytes.fromhex(package.sha256) if package.sha256 else None,
            md5=bytes.fromhex(package.md5) if package.md5 else None,
        )
    except (ValueError, InvalidPackageNameError, InvalidVersionError) as error:
        raise StageFailure(FailureCode.INVALID_LOCKFILE, f"package {package.name}: {error}") from error
    return RepoDataRecord(record, address.file_name, url, address.channel)


def records_of(packages: Iterable[LockedPackage]) -> list[RepoDataRecord]:
    """The records of all, each once; raises StageFailure("invalid_lockfile"), also for two packages of one name.

    conda-lock lists a package once per category it is in.
    """
    chosen: dict[str, LockedPackage] = {}
    for package in packages:
        known = chosen.setdefault(package.name, package)
        if known.url != package.url:
            detail = f"the lockfile holds package {package.name} twice: {known.url} and {package.url}"
            raise StageFailure(FailureCode.INVALID_LOCKFILE, detail)
    return [record_of(package) for package in chosen.values()]


def depends_of(package: LockedPackage) -> list[str]:
    """The package's dependencies as MatchSpecs, in a stable order."""
    return sorted(
        name if constraint in ("", "*") else f"{name} {constraint}" for name, constraint in package.dependencies.items()
    )
