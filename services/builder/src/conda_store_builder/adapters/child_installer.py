"""The Installer port by child processes: each half of an install is one call, which can be ended at any moment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from conda_store_builder.ports import Installation
from conda_store_shared.child.pool import ChildCall, ChildPool
from conda_store_shared.child.report import Report
from conda_store_shared.conda.credentials import Credentials
from conda_store_shared.conda.install_plan import InstallPlan, select_packages
from conda_store_shared.conda.ownership import Ownership
from conda_store_shared.conda.package_check import PackageLimits
from conda_store_shared.conda.sandbox.confinement import AUTO
from conda_store_shared.domain.prefix_record import PrefixRecord

CHILD_MODULE = "conda_store_builder.adapters.child_calls"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallSettings:
    """``cache`` is the root of the package caches, ``uv`` the program; ``memory_bytes`` limits each call.

    ``credentials`` are of channels and package indexes, by name; ``pip_environment`` sets uv up.
    """

    cache: Path
    uv: str
    memory_bytes: int | None = None
    builds_sdists: bool = False
    sandbox: str = AUTO
    limits: PackageLimits = field(default_factory=PackageLimits)
    credentials: Credentials = field(default_factory=dict, repr=False)
    pip_environment: Mapping[str, str] = field(default_factory=dict, repr=False)


class ChildInstaller:
    """See ``ports.Installer``; ``canceled`` tells where the marker of a canceled build would lie."""

    def __init__(self, pool: ChildPool, settings: InstallSettings, canceled: Callable[[str], Path]) -> None:
        self._pool = pool
        self._settings = settings
        self._canceled = canceled

    async def install(self, attempt: Path, work: Installation, report: Report) -> None:
        """Put the conda packages into ``attempt``."""
        wanted = Ownership.of(work.order.uid, work.order.gid, work.order.permissions)
        if wanted.within_reach() != wanted:
            report.log(f"the prefix cannot be given to user {wanted.uid}, group {wanted.gid}: the builder is not root")
        await self._call("install", attempt, self._plan(work), work, report)

    async def finish(self, attempt: Path, work: Installation, report: Report) -> PrefixRecord:
        """Put the attempt into its final place, complete it there, and mark it whole."""
        # They are there: their records in the prefix tell the rest.
        plan = replace(self._plan(work), conda=())
        answer = await self._call("finish", attempt, plan, work, report)
        return PrefixRecord.from_bytes(answer["record"].encode())

    async def _call(
        self, function: str, attempt: Path, plan: InstallPlan, work: Installation, report: Report
    ) -> dict[str, Any]:
        call = ChildCall(
            function=f"{CHILD_MODULE}:{function}",
            arguments={
                "attempt": str(attempt),
                "plan": plan.to_json(),
                "build_key": work.target.build_key,
                "lockfile_digest": work.target.lockfile_digest,
                "canceled": str(self._canceled(work.target.build_key)),
                "patience": work.order.deadline / 2,
            },
            timeout=work.order.deadline,
            memory_bytes=self._settings.memory_bytes,
        )
        answer: dict[str, Any] = await self._pool.call(call, report)
        return answer

    def _plan(self, work: Installation) -> InstallPlan:
        order = work.order
        packages = select_packages(work.lockfile, order.platform)
        return InstallPlan(
            platform=order.platform,
            conda=packages["conda"],
            pip=packages["pip"],
            prefix=str(work.target.path),
            cache=str(self._settings.cache),
            link_mode=order.link_mode,
            ownership=Ownership.of(order.uid, order.gid, order.permissions),
            uv=self._settings.uv,
            builds_sdists=self._settings.builds_sdists,
            sandbox=self._settings.sandbox,
            limits=self._settings.limits,
            memory_bytes=self._settings.memory_bytes,
            credentials=self._settings.credentials,
            pip_environment=self._settings.pip_environment,
            trusted_hosts=work.trusted_hosts,
        )
