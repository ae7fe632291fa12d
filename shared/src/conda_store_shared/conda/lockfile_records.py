"""Locked packages as the records rattler installs, whoever wrote the lockfile."""

from collections.abc import Iterable

from rattler.exceptions import InvalidPackageNameError, InvalidVersionError
from rattler.package.build_string import BuildString
from rattler.repo_data import PackageRecord, RepoDataRecord

from conda_store_shared.conda.channels import strip_credentials
from conda_store_shared.domain.lockfile import LockedPackage
from conda_store_shared.domain.package_address import PackageAddress
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure


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
