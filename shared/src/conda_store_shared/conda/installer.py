"""A lockfile becomes a prefix: the two halves, each a call for a child process.

``install`` puts the conda packages into a directory of any name, patched for their final place; nothing of them runs.
``finish`` works in the final place: link scripts, pip, owner and mode; there code of the packages runs.
"""

from collections.abc import Sequence
from pathlib import Path

import rattler
from rattler.config import Config
from rattler.exceptions import InstallerError, IoError, LinkError, TransactionError

from conda_store_shared.child.report import Report
from conda_store_shared.conda import conda_meta
from conda_store_shared.conda.channel_client import channel_access
from conda_store_shared.conda.install_failure import explain
from conda_store_shared.conda.install_plan import InstallPlan
from conda_store_shared.conda.install_progress import InstallProgress
from conda_store_shared.conda.link_scripts import run_link_scripts
from conda_store_shared.conda.local_packages import check_local_packages
from conda_store_shared.conda.lockfile_records import records_of
from conda_store_shared.conda.ownership import own_prefix, remove_tree
from conda_store_shared.conda.package_gate import PackageGate
from conda_store_shared.conda.package_view import PackageView
from conda_store_shared.conda.pip_packages import PipInstaller
from conda_store_shared.domain.prefix_record import PrefixRecord
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure
from conda_store_shared.telemetry import told

_COPIES = "allow-hard-links = false\nallow-symbolic-links = false\n"
_RATTLER_CACHE_TAG = "CACHEDIR.TAG"


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
            damaged = view.drop_damaged() if failure.cause == FailureCode.INTERNAL_ERROR else []
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
    fetched = progress.archive_bytes
    told.looked_up("packages", len(records) - len(fetched), len(fetched))
    told.downloaded("packages", sum(fetched.values()))


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
            config=_config(plan),
            client=access.client(),
            reporter=progress,
        )
    except (InstallerError, IoError, LinkError, TransactionError) as error:
        # Not from the error: its text is that of the request, before it is made fit to be shown.
        raise explain(error, access) from None


def _config(plan: InstallPlan) -> Config | None:
    text = _COPIES if plan.link_mode == "copy" else ""
    if plan.downloads is not None:
        text += f"[concurrency]\ndownloads = {plan.downloads}\n"
    return Config.from_toml(text) if text else None


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
    with told.step("link_scripts"):
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
        with told.step("pip_install"):
            pip.install(prefix, plan.pip, report)
    settled = plan.package_cache.settled_files(packages, prefix.stat().st_dev)
    usage = own_prefix(prefix, plan.ownership, settled)
    return PrefixRecord(path=plan.prefix, apparent_bytes=usage.apparent, unique_bytes=usage.unique, packages=packages)
