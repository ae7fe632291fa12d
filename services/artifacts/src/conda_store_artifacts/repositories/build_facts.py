"""Reads what is known of a build: what was asked for, when, what it left behind, and under which licenses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_shared.db.models import (
    Build,
    BuildArtifact,
    CondaPackage,
    CondaPackageBuild,
    Specification,
    build_conda_package_build,
)
from conda_store_shared.domain.order import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildFacts:
    """A build; times are UTC without a zone.  ``order`` is None for builds that were made elsewhere."""

    status: str
    scheduled_on: datetime
    started_on: datetime | None
    ended_on: datetime | None
    order: Order | None
    specification_sha256: str
    is_lockfile: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedArtifact:
    """Something the build left behind; ``digest`` is its sha256 (hex), ``size`` in bytes, None where nobody said."""

    type: str
    key: str
    size: int | None
    digest: str | None


async def find_build_facts(session: AsyncSession, build_id: int) -> BuildFacts | None:
    """Return what is known of a build."""
    found = await session.execute(
        select(
            Build.status,
            Build.scheduled_on,
            Build.started_on,
            Build.ended_on,
            Build.order,
            Specification.sha256,
            Specification.is_lockfile,
        )
        .join(Specification, Specification.id == Build.specification_id)
        .where(Build.id == build_id)
    )
    row: Any = found.one_or_none()
    if row is None:
        return None
    status, scheduled_on, started_on, ended_on, order, sha256, is_lockfile = row
    return BuildFacts(
        status=status,
        scheduled_on=scheduled_on,
        started_on=started_on,
        ended_on=ended_on,
        order=Order.from_value(order) if order else None,
        specification_sha256=sha256,
        is_lockfile=is_lockfile,
    )


async def list_recorded_artifacts(session: AsyncSession, build_id: int) -> Sequence[RecordedArtifact]:
    """Return what a build left behind, by type."""
    rows = await session.execute(
        select(BuildArtifact.artifact_type, BuildArtifact.key, BuildArtifact.size, BuildArtifact.digest)
        .where(BuildArtifact.build_id == build_id)
        .order_by(BuildArtifact.artifact_type, BuildArtifact.key)
    )
    return [RecordedArtifact(type=kind, key=key, size=size, digest=digest) for kind, key, size, digest in rows]


async def list_licenses(session: AsyncSession, build_id: int) -> Mapping[tuple[str, str], str]:
    """Return the licenses of a build's installed packages by name and version, as their channels tell them."""
    rows = await session.execute(
        select(CondaPackage.name, CondaPackage.version, CondaPackage.license)
        .select_from(build_conda_package_build)
        .join(CondaPackageBuild, CondaPackageBuild.id == build_conda_package_build.c.conda_package_build_id)
        .join(CondaPackage, CondaPackage.id == CondaPackageBuild.package_id)
        .where(build_conda_package_build.c.build_id == build_id, CondaPackage.license.is_not(None))
    )
    return {(name, version): license_ for name, version, license_ in rows if license_}
