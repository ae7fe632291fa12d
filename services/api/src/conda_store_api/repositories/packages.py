"""Rows of channels and packages."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from sqlalchemy import bindparam, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_api.repositories.package_locks import hold_packages
from conda_store_api.repositories.package_names import count_versions
from conda_store_shared.db.models import CondaChannel, CondaPackage, CondaPackageBuild, build_conda_package_build
from conda_store_shared.db.statements import insert_all_new, insert_all_new_returning, upsert_all
from conda_store_shared.domain.prefix_record import InstalledPackage

PackageKey = tuple[int, str, str]
_BuildKey = tuple[int, str, str, int, str]
_Identity = tuple[str, str, str, str | None, str, int, str]
NamedPackageBuild = tuple[CondaPackageBuild, CondaPackage, CondaChannel]
T = TypeVar("T")
# What makes a file the same one; as many values as fit a statement on either database.
_IDENTITY = ("package_id", "subdir", "build", "build_number", "sha256")
_BATCH = 500
_IS_OUTLINE = CondaPackageBuild.is_outline.is_(True)
# Made once: putting a statement together takes longer than running it.
_VERSION = (CondaPackage.channel_id, CondaPackage.name, CondaPackage.version)
_CHANNELS = select(CondaChannel.id, CondaChannel.name).where(CondaChannel.name.in_(bindparam("names", expanding=True)))
_WHOLE_BUILDS = (
    select(
        *_VERSION,
        CondaPackageBuild.subdir,
        CondaPackageBuild.build,
        CondaPackageBuild.build_number,
        CondaPackageBuild.sha256,
        CondaPackageBuild.id,
    )
    .join(CondaPackage, CondaPackage.id == CondaPackageBuild.package_id)
    .where(tuple_(*_VERSION).in_(bindparam("keys", expanding=True)), ~CondaPackageBuild.is_outline)
)
_NAMED_BUILDS = (
    select(CondaPackageBuild, CondaPackage, CondaChannel)
    .join(CondaPackage, CondaPackage.id == CondaPackageBuild.package_id)
    .join(CondaChannel, CondaChannel.id == CondaPackage.channel_id)
    .where(CondaPackageBuild.id.in_(bindparam("ids", expanding=True)))
)
_LARGEST_INTEGER, _LARGEST_TIMESTAMP = 2**31 - 1, 2**63 - 1


def batched(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Cut what goes into one statement each."""
    for start in range(0, len(values), _BATCH):
        yield values[start : start + _BATCH]


async def record_packages(session: AsyncSession, build_id: int, installed: Sequence[InstalledPackage]) -> None:
    """Record which packages a build installed."""
    builds = await ensure_package_builds(session, installed)
    rows = [{"build_id": build_id, "conda_package_build_id": row_id} for row_id in sorted(builds)]
    await insert_all_new(session, build_conda_package_build, rows)


async def ensure_package_builds(session: AsyncSession, installed: Sequence[InstalledPackage]) -> list[int]:
    """Insert what is not there, and return the ids of the files.

    Rows are inserted in one order everywhere, so that no two transactions deadlock.
    """
    packages = [_fitting(package) for package in installed]
    await hold_packages(session)
    known = await _find_package_builds(session, packages)
    unknown = [package for package in packages if _identity(package) not in known]
    found = set(known.values())
    if unknown:
        channels = await ensure_channels(session, sorted({package.channel for package in unknown}))
        versions = await _ensure_packages(session, unknown, channels)
        found.update(await _ensure_package_builds(session, unknown, channels, versions))
    return sorted(found)


async def _find_package_builds(session: AsyncSession, packages: Sequence[InstalledPackage]) -> dict[_Identity, int]:
    """Ids of the files that are there with all that is known of them: most builds install nothing new."""
    names = sorted({package.channel for package in packages})
    channels: dict[str, int] = {name: row_id for row_id, name in await session.execute(_CHANNELS, {"names": names})}
    name_of = {row_id: name for name, row_id in channels.items()}
    wanted = {_identity(package) for package in packages if package.channel in channels}
    keys = sorted({(channels[channel], name, version) for channel, name, version, *_ in wanted})
    found: dict[_Identity, int] = {}
    for some in batched(keys):
        for row in await session.execute(_WHOLE_BUILDS, {"keys": list(some)}):
            identity: _Identity = (name_of[row[0]], row[1], row[2], row[3], row[4], row[5], row[6])
            if identity in wanted:
                found[identity] = row[7]
    return found


def _identity(package: InstalledPackage) -> _Identity:
    return (
        package.channel,
        package.name,
        package.version,
        package.subdir,
        package.build,
        package.build_number,
        package.sha256,
    )


async def list_package_builds(session: AsyncSession, ids: Sequence[int]) -> Sequence[NamedPackageBuild]:
    """Return files by their ids, in their order, each with the version and the channel it is of."""
    found: list[NamedPackageBuild] = []
    for some in batched(sorted(ids)):
        rows = await session.execute(_NAMED_BUILDS, {"ids": some})
        found += [(build, package, channel) for build, package, channel in rows]
    return sorted(found, key=lambda row: row[0].id)


async def ensure_channels(session: AsyncSession, names: Sequence[str]) -> dict[str, int]:
    """Insert the channels that are not there, and return the ids of all; ``names`` are sorted."""
    await insert_all_new(session, CondaChannel, [{"name": name} for name in names])
    rows = await session.execute(select(CondaChannel.name, CondaChannel.id).where(CondaChannel.name.in_(names)))
    return {name: row_id for name, row_id in rows}  # noqa: C416 - rows are no pairs to mypy


def _fitting(package: InstalledPackage) -> InstalledPackage:
    """The package with what the columns cannot hold cut or left out: no build is to be lost for its metadata."""
    return replace(
        package,
        name=_text(package.name, 255),
        version=_text(package.version, 64),
        build=_text(package.build, 64),
        build_number=min(int(package.build_number), _LARGEST_INTEGER),
        subdir=_text(package.subdir, 64),
        md5=_text(package.md5, 255),
        sha256=_text(package.sha256, 64),
        license=package.license and _text(package.license),
        license_family=package.license_family and _text(package.license_family, 64),
        summary=package.summary and _text(package.summary),
        timestamp=_timestamp(package.timestamp),
    )


def _text(value: object, length: int | None = None) -> str:
    return str(value).encode("utf-8", "replace").decode().replace("\x00", "")[:length]


def _timestamp(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) and abs(value) < _LARGEST_TIMESTAMP else None


async def _ensure_packages(
    session: AsyncSession, packages: Sequence[InstalledPackage], channels: dict[str, int]
) -> dict[PackageKey, int]:
    new = {
        (channels[package.channel], package.name, package.version): {
            "channel_id": channels[package.channel],
            "name": package.name,
            "version": package.version,
            "license": package.license,
            "license_family": package.license_family,
            "summary": package.summary,
        }
        for package in packages
    }
    added = await insert_all_new_returning(
        session, CondaPackage, [new[key] for key in sorted(new)], CondaPackage.channel_id, CondaPackage.name
    )
    await count_versions(session, Counter((row[0], row[1]) for row in added))
    found: dict[PackageKey, int] = {}
    for keys in batched(sorted(new)):
        rows = await session.execute(select(*_VERSION, CondaPackage.id).where(tuple_(*_VERSION).in_(keys)))
        found |= {(channel_id, name, version): row_id for channel_id, name, version, row_id in rows}
    return found


async def _ensure_package_builds(
    session: AsyncSession,
    packages: Sequence[InstalledPackage],
    channels: dict[str, int],
    versions: dict[PackageKey, int],
) -> list[int]:
    new: dict[_BuildKey, dict[str, object]] = {}
    for package in packages:
        channel_id = channels[package.channel]
        package_id = versions[(channel_id, package.name, package.version)]
        new[(package_id, package.subdir, package.build, package.build_number, package.sha256)] = {
            "package_id": package_id,
            "channel_id": channel_id,
            "build": package.build,
            "build_number": package.build_number,
            "constrains": list(package.constrains),
            "depends": list(package.depends),
            "md5": package.md5,
            "sha256": package.sha256,
            "size": package.size,
            "subdir": package.subdir,
            "timestamp": package.timestamp,
            "is_outline": False,
        }
    table = CondaPackageBuild
    # What was known from a channel's list alone is completed.
    rows = [new[key] for key in sorted(new)]
    await upsert_all(session, table, rows, identity=_IDENTITY, where=_IS_OUTLINE)
    identity = (table.package_id, table.subdir, table.build, table.build_number, table.sha256)
    found: list[int] = []
    for package_ids in batched(sorted({key[0] for key in new})):
        stored = await session.execute(select(*identity, table.id).where(table.package_id.in_(package_ids)))
        found += [row[-1] for row in stored if tuple(row[:-1]) in new]
    return found
