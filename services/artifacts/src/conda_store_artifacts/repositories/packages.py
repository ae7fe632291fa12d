"""Reads what is installed by a build."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_artifacts.domain.explicit_list import ListedPackage
from conda_store_shared.db.models import CondaChannel, CondaPackage, CondaPackageBuild, build_conda_package_build


async def list_installed_packages(session: AsyncSession, build_id: int) -> Sequence[ListedPackage]:
    """Return the packages of a build by name."""
    rows = await session.execute(
        select(
            CondaChannel.name,
            CondaPackageBuild.subdir,
            CondaPackage.name,
            CondaPackage.version,
            CondaPackageBuild.build,
            CondaPackageBuild.md5,
        )
        .select_from(build_conda_package_build)
        .join(CondaPackageBuild, CondaPackageBuild.id == build_conda_package_build.c.conda_package_build_id)
        .join(CondaPackage, CondaPackage.id == CondaPackageBuild.package_id)
        .join(CondaChannel, CondaChannel.id == CondaPackage.channel_id)
        .where(build_conda_package_build.c.build_id == build_id)
        .order_by(CondaPackage.name)
    )
    return [
        ListedPackage(channel=channel, subdir=subdir or "noarch", name=name, version=version, build=build, md5=md5)
        for channel, subdir, name, version, build, md5 in rows
    ]
