"""Rows of packages as a channel lists them: read, compared and changed by ranges of names."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, exists, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_api.domain.index_difference import Difference, StoredBuild, StoredPackage
from conda_store_api.repositories.name_ranges import NameRange
from conda_store_api.repositories.package_names import recount_versions
from conda_store_api.repositories.packages import batched
from conda_store_shared.db.models import CondaPackage, CondaPackageBuild, build_conda_package_build
from conda_store_shared.db.models.base import Model
from conda_store_shared.db.statements import insert_in_bulk
from conda_store_shared.domain.channel_index import IndexedBuild, IndexedPackage


async def stored_packages(session: AsyncSession, names: NameRange) -> list[StoredPackage]:
    """Return the versions stored for a range of names, those that vanished included."""
    table = CondaPackage
    columns = (table.id, table.name, table.version, table.license, table.license_family, table.summary, table.vanished)
    rows = await session.execute(select(*columns).where(*names.covering(table.channel_id, table.name)))
    return [
        StoredPackage(
            id=row_id,
            name=name,
            version=version,
            license=license_text,
            license_family=family,
            summary=summary,
            vanished=vanished,
        )
        for row_id, name, version, license_text, family, summary, vanished in rows
    ]


async def stored_builds(session: AsyncSession, names: NameRange, subdir: str) -> list[StoredBuild]:
    """Return the files stored for a range of names in one subdir."""
    table = CondaPackageBuild
    columns = (table.build, table.build_number, table.md5, table.sha256, table.size, table.timestamp)
    rows = await session.execute(
        select(table.id, table.package_id, table.vanished, *columns)
        .join(CondaPackage, CondaPackage.id == table.package_id)
        .where(*names.covering(CondaPackage.channel_id, CondaPackage.name), table.subdir == subdir)
    )
    return [
        StoredBuild(
            id=row_id,
            package_id=package_id,
            vanished=vanished,
            build=IndexedBuild(
                build=build, build_number=number, md5=md5, sha256=sha256, size=size, timestamp=timestamp
            ),
        )
        for row_id, package_id, vanished, build, number, md5, sha256, size, timestamp in rows
    ]


async def apply_difference(session: AsyncSession, names: NameRange, subdir: str, change: Difference) -> None:
    """Make the rows as the list has them; only for who owns the packages.

    Files that some build installed are marked and kept, with their versions; the others are deleted.
    """
    await insert_in_bulk(session, CondaPackage, [_package_row(names, package) for package in change.new_packages])
    await _change(session, CondaPackage, [_package_values(package) for package in change.changed_packages])
    if change.new_builds:
        ids = await _package_ids(session, names)
        rows = [_build_row(names, subdir, ids[new.name, new.version], new.build) for new in change.new_builds]
        await insert_in_bulk(session, CondaPackageBuild, rows)
    await _change(session, CondaPackageBuild, [_build_values(build) for build in change.changed_builds])
    await _remove_builds(session, change.gone_builds)
    if change.changes_versions:
        await recount_versions(session, names)


async def forget_builds(session: AsyncSession, names: NameRange, subdir: str) -> None:
    """Leave of one subdir what builds installed, as if there had been no list; only for who owns the packages."""
    stored = await stored_builds(session, names, subdir)
    await _remove_builds(session, stored)
    for ids in batched([build.id for build in stored]):
        await session.execute(update(CondaPackageBuild).where(CondaPackageBuild.id.in_(ids)).values(vanished=False))
    await _settle_packages(session, {build.package_id for build in stored})
    await recount_versions(session, names)


async def next_range(session: AsyncSession, channel_id: int, first: str, size: int) -> NameRange | None:
    """Return the range of the next ``size`` names from ``first`` on; None when there are none."""
    found = await session.scalars(
        select(CondaPackage.name)
        .where(CondaPackage.channel_id == channel_id, CondaPackage.name >= first)
        .distinct()
        .order_by(CondaPackage.name)
        .limit(size + 1)
    )
    names = found.all()
    if not names:
        return None
    return NameRange(channel_id=channel_id, first=names[0], end=names[size] if len(names) > size else None)


async def _remove_builds(session: AsyncSession, gone: Sequence[StoredBuild]) -> None:
    installed = build_conda_package_build.c.conda_package_build_id
    for ids in batched([build.id for build in gone]):
        unused = ~exists().where(installed == CondaPackageBuild.id)
        await session.execute(delete(CondaPackageBuild).where(CondaPackageBuild.id.in_(ids), unused))
        await session.execute(update(CondaPackageBuild).where(CondaPackageBuild.id.in_(ids)).values(vanished=True))
    await _settle_packages(session, {build.package_id for build in gone})


async def _settle_packages(session: AsyncSession, package_ids: Collection[int]) -> None:
    """Delete versions without files; those of which every file vanished have vanished."""
    files = exists().where(CondaPackageBuild.package_id == CondaPackage.id)
    live = files.where(~CondaPackageBuild.vanished)
    for ids in batched(sorted(package_ids)):
        await session.execute(delete(CondaPackage).where(CondaPackage.id.in_(ids), ~files))
        await session.execute(update(CondaPackage).where(CondaPackage.id.in_(ids)).values(vanished=~live))


async def _package_ids(session: AsyncSession, names: NameRange) -> dict[tuple[str, str], int]:
    columns = (CondaPackage.name, CondaPackage.version, CondaPackage.id)
    rows = await session.execute(select(*columns).where(*names.covering(CondaPackage.channel_id, CondaPackage.name)))
    return {(name, version): row_id for name, version, row_id in rows}


async def _change(session: AsyncSession, table: type[Model], rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    columns = table.__table__.c
    condition: ColumnElement[bool] = columns["id"] == bindparam("row_id")
    values: dict[str, Any] = {key: bindparam(key) for key in rows[0] if key != "row_id"}
    connection = await session.connection()
    await connection.execute(update(table).where(condition).values(values), [dict(row) for row in rows])


def _package_row(names: NameRange, package: IndexedPackage) -> dict[str, Any]:
    return {
        "channel_id": names.channel_id,
        "name": package.name,
        "version": package.version,
        "license": package.license,
        "license_family": package.license_family,
        "summary": package.summary,
    }


def _package_values(package: StoredPackage) -> dict[str, Any]:
    return {
        "row_id": package.id,
        "license": package.license,
        "license_family": package.license_family,
        "summary": package.summary,
        "vanished": package.vanished,
    }


def _build_row(names: NameRange, subdir: str, package_id: int, build: IndexedBuild) -> dict[str, Any]:
    return {
        "package_id": package_id,
        "channel_id": names.channel_id,
        "subdir": subdir,
        "build": build.build,
        "build_number": build.build_number,
        "depends": [],
        "md5": build.md5,
        "sha256": build.sha256,
        "size": build.size,
        "timestamp": build.timestamp,
        "is_outline": True,
    }


def _build_values(build: StoredBuild) -> dict[str, Any]:
    return {
        "row_id": build.id,
        "md5": build.build.md5,
        "size": build.build.size,
        "timestamp": build.build.timestamp,
        "vanished": build.vanished,
    }
