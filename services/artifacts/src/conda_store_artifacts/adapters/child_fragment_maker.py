"""FragmentMaker by child processes: each order is one call, which can be ended at any moment."""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conda_store_artifacts.domain.fragment_files import FragmentFiles
from conda_store_artifacts.ports import FragmentOrder, MadeFragment
from conda_store_shared.child.pool import ChildCall, ChildPool
from conda_store_shared.child.report import Report
from conda_store_shared.conda.credentials import Credentials
from conda_store_shared.conda.install_plan import InstallPlan
from conda_store_shared.conda.ownership import Ownership
from conda_store_shared.conda.package_check import PackageLimits
from conda_store_shared.domain.lockfile import LockedPackage

MODULE = "conda_store_artifacts.adapters.fragment_child"
# No slower than all at once, at a third of the memory.
DOWNLOADS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class FragmentSettings:
    """How fragments are made.

    ``cache`` is the root of our package caches, ``lent`` are roots of others on this machine, which are only read;
    ``threads`` compress, ``memory_bytes`` limits a child.  ``credentials`` are of channels and package indexes, by
    name.
    """

    cache: Path
    lent: tuple[Path, ...] = ()
    threads: int = 2
    memory_bytes: int | None = None
    credentials: Credentials = field(default_factory=dict, repr=False)
    limits: PackageLimits = field(default_factory=PackageLimits)


class ChildFragmentMaker:
    """Makes fragments in the children of ``pool``."""

    def __init__(self, pool: ChildPool, settings: FragmentSettings) -> None:
        self._pool = pool
        self._settings = settings

    async def make(self, order: FragmentOrder, directory: Path, report: Report) -> list[MadeFragment]:
        """Write the wanted fragments into ``directory``."""
        call = ChildCall(
            function=f"{MODULE}:make_fragments",
            arguments={
                "plan": self._plan(order).to_json(),
                "wanted": [_name(package) for package in order.wanted],
                "format": dataclasses.asdict(order.format),
                "threads": self._settings.threads,
                "output": str(directory),
                "lent": [str(root) for root in self._settings.lent],
            },
            timeout=order.deadline,
            memory_bytes=self._settings.memory_bytes,
        )
        answer: list[dict[str, Any]] = await self._pool.call(call, report)
        made = {each["name"]: each for each in answer}
        return [_made(package, made[_name(package)], directory) for package in order.wanted]

    def _plan(self, order: FragmentOrder) -> InstallPlan:
        return InstallPlan(
            platform=order.platform,
            conda=tuple(package for package in order.packages if package.manager == "conda"),
            pip=tuple(package for package in order.packages if package.manager == "pip"),
            prefix=order.format.prefix,
            cache=str(self._settings.cache),
            link_mode="auto",
            ownership=Ownership(),
            downloads=DOWNLOADS,
            uv="",
            credentials=self._settings.credentials,
            limits=self._settings.limits,
            trusted_hosts=order.trusted_hosts,
        )


def _name(package: LockedPackage) -> str:
    return f"{package.manager}:{package.name}"


def _made(package: LockedPackage, made: dict[str, Any], directory: Path) -> MadeFragment:
    return MadeFragment(
        package=package,
        path=directory / made["file"],
        digest=made["digest"],
        size=made["size"],
        raw_digest=made["raw_digest"],
        raw_size=made["raw_size"],
        files=FragmentFiles.from_json(made["about"]),
    )
