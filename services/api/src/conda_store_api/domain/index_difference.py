"""What a new list of a channel's packages changes in the rows that are there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from conda_store_shared.domain.channel_index import IndexedBuild, IndexedPackage

_FileKey = tuple[str, int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPackage:
    """A version of a package as it is stored."""

    id: int
    name: str
    version: str
    license: str | None
    license_family: str | None
    summary: str | None
    vanished: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBuild:
    """One file of a version as it is stored."""

    id: int
    package_id: int
    build: IndexedBuild
    vanished: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBuild:
    """A file that is not stored yet, with name and version of its package."""

    name: str
    version: str
    build: IndexedBuild


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What is to be done: rows to insert, rows to change (by id), and the files that the list has no more."""

    new_packages: Sequence[IndexedPackage]
    changed_packages: Sequence[StoredPackage]
    new_builds: Sequence[NewBuild]
    changed_builds: Sequence[StoredBuild]
    gone_builds: Sequence[StoredBuild]

    @property
    def changes_versions(self) -> bool:
        """Whether there may be more or fewer versions than before."""
        return bool(self.new_packages or self.gone_builds or self.changed_packages)


def difference(
    packages: Sequence[StoredPackage], builds: Sequence[StoredBuild], listed: Iterable[IndexedPackage]
) -> Difference:
    """Compare the stored rows of some names, and of one subdir, with the list; everything comes in order."""
    stored = {(package.name, package.version): package for package in packages}
    files: dict[int, dict[_FileKey, StoredBuild]] = {}
    for one in builds:
        files.setdefault(one.package_id, {})[_key(one.build)] = one
    new_packages: list[IndexedPackage] = []
    changed_packages: list[StoredPackage] = []
    new_builds: list[NewBuild] = []
    changed_builds: list[StoredBuild] = []
    for package in listed:
        row = stored.get((package.name, package.version))
        if row is None:
            new_packages.append(package)
        elif (changed := _updated(row, package)) != row:
            changed_packages.append(changed)
        known = files.get(row.id, {}) if row else {}
        for build in package.builds:
            file = known.pop(_key(build), None)
            if file is None:
                new_builds.append(NewBuild(name=package.name, version=package.version, build=build))
            elif file.vanished or file.build != build:
                changed_builds.append(StoredBuild(id=file.id, package_id=file.package_id, build=build, vanished=False))
    # What is left was in no version of the list.
    gone = [file for known in files.values() for file in known.values() if not file.vanished]
    return Difference(
        new_packages=new_packages,
        changed_packages=changed_packages,
        new_builds=new_builds,
        changed_builds=changed_builds,
        gone_builds=gone,
    )


def _key(build: IndexedBuild) -> _FileKey:
    return build.build, build.build_number, build.sha256


def _updated(stored: StoredPackage, listed: IndexedPackage) -> StoredPackage:
    """The row as the list has it; what the list does not know stays as some build told it."""
    return StoredPackage(
        id=stored.id,
        name=stored.name,
        version=stored.version,
        license=listed.license or stored.license,
        license_family=listed.license_family or stored.license_family,
        summary=listed.summary or stored.summary,
        vanished=False,
    )
