"""A lockfile becomes a prefix: the two halves, each a call for a child process.

``install`` puts the conda packages into a directory of any name, patched for their final place; nothing of them runs.
``finish`` works in the final place: link scripts, pip, owner and mode; there code of the packages runs.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import rattler
from rattler.config import Config
from rattler.exceptions import InstallerError, IoError, LinkError, TransactionError

from conda_store_shared.child.report import Report
from conda_store_shared.conda import conda_meta
from conda_store_shared.conda.channel_client import channel_access
from conda_store_shared.conda.credentials import Credentials
from conda_store_shared.conda.install_failure import explain
from conda_store_shared.conda.install_progress import InstallProgress
from conda_store_shared.conda.link_scripts import run_link_scripts
from conda_store_shared.conda.local_packages import check_local_packages
from conda_store_shared.conda.lockfile_records import records_of
from conda_store_shared.conda.ownership import Ownership, own_prefix, remove_tree
from conda_store_shared.conda.package_cache import PackageCache
from conda_store_shared.conda.package_check import PackageLimits
from conda_store_shared.conda.package_gate import PackageGate
from conda_store_shared.conda.package_view import PackageView
from conda_store_shared.conda.pip_packages import PipInstaller
from conda_store_shared.conda.sandbox.confinement import AUTO, Confinement, Limits
from conda_store_shared.domain.lockfile import LockedPackage, Lockfile
from conda_store_shared.domain.prefix_record import PrefixRecord
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure

_COPIES = "allow-hard-links = false\nallow-symbolic-links = false\n"
_RATTLER_CACHE_TAG = "CACHEDIR.TAG"
_PACKAGE_FIELDS = tuple(field.name for field in dataclasses.fields(LockedPackage))
__all__ = ["InstallPlan", "finish", "install", "select_packages"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallPlan:
    """Everything the two halves need; JSON in and out.

    ``prefix`` is the final place; ``cache`` the root of the package caches; ``link_mode`` is ``auto`` or ``copy``;
    ``uv`` the program.  ``sandbox`` (see ``sandbox.confinement``) and ``memory_bytes`` are for code that packages
    bring.  ``credentials`` are of channels and package indexes, by name; ``trusted_hosts`` hosts of pip packages whose
    certificates need not be good.
    """

    platform: str
    conda: tuple[LockedPackage, ...]
    pip: tuple[LockedPackage, ...]
    prefix: str
    cache: str
    link_mode: str
    ownership: Ownership
    uv: str
    builds_sdists: bool = False
    sandbox: str = AUTO
    memory_bytes: int | None = None
    limits: PackageLimits = field(default_factory=PackageLimits)
    credentials: Credentials = field(default_factory=dict, repr=False)
    pip_environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    trusted_hosts: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """For the arguments of a call."""
        value = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        packages = {name: [_fields(package) for package in value[name]] for name in ("conda", "pip")}
        parts = {name: dataclasses.asdict(value[name]) for name in ("ownership", "limits")}
        return {**value, **packages, **parts}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "InstallPlan":
        """Read what ``to_json`` gave."""
        packages = {name: tuple(LockedPackage(**package) for package in value[name]) for name in ("conda", "pip")}
        own = {
            "ownership": Ownership(**value["ownership"]),
            "limits": PackageLimits(**value["limits"]),
            "trusted_hosts": tuple(value["trusted_hosts"]),
        }
        return cls(**{**value, **packages, **own})

    @property
    def package_cache(self) -> PackageCache:
        """The caches it uses."""
        return PackageCache(root=Path(self.cache), ownership=self.ownership.within_reach())

    @property
    def confinement(self) -> Confinement:
        """How code of packages is confined."""
        limits = Limits(memory_bytes=self.memory_bytes)
        return Confinement(mode=self.sandbox, hidden=(Path(self.cache),), limits=limits)


def _fields(package: LockedPackage) -> dict[str, Any]:
    return {name: getattr(package, name) for name in _PACKAGE_FIELDS}


def select_packages(lockfile: Lockfile, platform: str) -> dict[str, tuple[LockedPackage, ...]]:
    """The packages of ``platform`` by manager; raises StageFailure("invalid_lockfile") when it was not locked for."""
    if platform not in lockfile.platforms:
        locked = ", ".join(lockfile.platforms) or "none"
        detail = f"the lockfile is not for platform {platform}, on which it is installed; it is for: {locked}"
        raise StageFailure(FailureCode.INVALID_LOCKFILE, detail)
    return {manager: lockfile.select(platform, manager) for manager in ("conda", "pip")}


async def install(directory: Path, plan: InstallPlan, report: Report) -> None:
    """Put the conda packages of ``plan`` into ``directory``, patched for ``plan.prefix``; raises StageFailure."""
    cache = plan.package_cache
    records = records_of(plan.conda)
    check_local_packages(plan.conda)
    report.log(f"installing {len(records)} conda packages")
    with PackageView(cache.packages, plan.conda) as view:
        gate = PackageGate(view, plan.conda, plan.limits)
        progress = InstallProgress(len(records), report, gate.admit)
        try:
            async with gate.watch():
                await _link(records, directory, plan, view, progress)
        except StageFailure as failure:
            if gate.refused is not None:
                raise gate.refused from None
            damaged = view.drop_damaged() if failure.code == FailureCode.INTERNAL_ERROR else []
            if not damaged:
                raise
            report.log(f"damaged in the package cache, and fetched again: {', '.join(damaged)}")
            _empty(directory)
            await _link(records, directory, plan, view, progress)
        (directory / conda_meta.DIRECTORY).mkdir(exist_ok=True)
        (directory / _RATTLER_CACHE_TAG).unlink(missing_ok=True)
        conda_meta.complete_records(
            directory, lambda extracted, name: cache.settle(extracted, progress.archive_bytes.get(name))
        )
        view.share()


async def _link(
    records: Sequence[rattler.RepoDataRecord],
    directory: Path,
    plan: InstallPlan,
    view: PackageView,
    progress: InstallProgress,
) -> None:
    access = channel_access(plan.credentials)
    try:
        await rattler.install(
            records,
            target_prefix=directory,
            cache_dir=view.directory,
            platform=rattler.Subdir(plan.platform),
            installed_packages=[],
            execute_link_scripts=False,
            alternative_target_prefix=plan.prefix,
            config=Config.from_toml(_COPIES) if plan.link_mode == "copy" else None,
            client=access.client(),
            reporter=progress,
        )
    except (InstallerError, IoError, LinkError, TransactionError) as error:
        # Not from the error: its text is that of the request, before it is made fit to be shown.
        raise explain(error, access) from None


def _empty(directory: Path) -> None:
    for entry in list(directory.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            remove_tree(entry)
        else:
            entry.unlink()


def finish(plan: InstallPlan, report: Report) -> PrefixRecord:
    """Run what is to run in the final place, give it its owner, and count it; raises StageFailure."""
    prefix = Path(plan.prefix)
    packages = conda_meta.installed_packages(prefix)
    run_link_scripts(prefix, packages, plan.confinement, report)
    if plan.pip:
        pip = PipInstaller(
            uv=plan.uv,
            cache=plan.package_cache.wheels,
            builds_sdists=plan.builds_sdists,
            environment=plan.pip_environment,
            credentials=plan.credentials,
            trusted_hosts=plan.trusted_hosts,
            confinement=plan.confinement,
            largest_file=plan.limits.bytes,
        )
        pip.install(prefix, plan.pip, report)
    settled = plan.package_cache.settled_files(packages, prefix.stat().st_dev)
    usage = own_prefix(prefix, plan.ownership, settled)
    return PrefixRecord(path=plan.prefix, apparent_bytes=usage.apparent, unique_bytes=usage.unique, packages=packages)
