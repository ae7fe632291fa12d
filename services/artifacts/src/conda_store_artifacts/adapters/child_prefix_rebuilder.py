"""PrefixRebuilder by a call in a child process."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from conda_store_artifacts.adapters.child_fragment_maker import DOWNLOADS, FragmentSettings
from conda_store_shared.child.pool import ChildCall, ChildPool
from conda_store_shared.child.report import Report
from conda_store_shared.conda.install_plan import InstallPlan, select_packages
from conda_store_shared.conda.ownership import Ownership
from conda_store_shared.conda.sandbox.confinement import AUTO
from conda_store_shared.domain.lockfile import Lockfile

MODULE = "conda_store_artifacts.adapters.rebuild_child"


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildSettings:
    """``uv`` is the program; ``builds_sdists`` as for builds; the rest is as for ``fragments``."""

    fragments: FragmentSettings
    uv: str
    builds_sdists: bool = False
    sandbox: str = AUTO
    pip_environment: Mapping[str, str] = field(default_factory=dict, repr=False)


class ChildPrefixRebuilder:
    """Installs in the children of ``pool``."""

    def __init__(self, pool: ChildPool, settings: RebuildSettings) -> None:
        self._pool = pool
        self._settings = settings

    async def rebuild(self, lockfile: Lockfile, platform: str, prefix: Path, deadline: float, report: Report) -> None:
        """Install what is locked for ``platform`` at ``prefix``."""
        settings = self._settings
        packages = select_packages(lockfile, platform)
        plan = InstallPlan(
            platform=platform,
            conda=packages["conda"],
            pip=packages["pip"],
            prefix=str(prefix),
            cache=str(settings.fragments.cache),
            link_mode="auto",
            ownership=Ownership(),
            downloads=DOWNLOADS,
            uv=settings.uv,
            builds_sdists=settings.builds_sdists,
            sandbox=settings.sandbox,
            memory_bytes=settings.fragments.memory_bytes,
            limits=settings.fragments.limits,
            credentials=settings.fragments.credentials,
            pip_environment=settings.pip_environment,
        )
        call = ChildCall(
            function=f"{MODULE}:rebuild_prefix",
            arguments={"plan": plan.to_json(), "lent": [str(root) for root in settings.fragments.lent]},
            timeout=deadline,
            memory_bytes=settings.fragments.memory_bytes,
        )
        await self._pool.call(call, report)
