"""What runs in the builder's child processes."""

import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conda_store_builder.adapters.directory_lock import LockHeld, locked
from conda_store_builder.adapters.whole_prefix import mark_whole, read_whole
from conda_store_builder.domain.prefix_path import lock_of, trash_of
from conda_store_builder.ports import Target
from conda_store_shared.child.report import Report
from conda_store_shared.conda import installer
from conda_store_shared.conda.install_plan import InstallPlan
from conda_store_shared.conda.ownership import remove_tree
from conda_store_shared.domain.prefix_record import PrefixRecord
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure


async def install(arguments: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """``attempt``: where to; ``plan``: InstallPlan as JSON."""
    await installer.install(Path(arguments["attempt"]), InstallPlan.from_json(arguments["plan"]), report)
    return {}


def finish(arguments: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Put an attempt into place and complete it.

    ``attempt``, ``plan``, ``build_key``, ``lockfile_digest``; ``canceled``: where the marker of a canceled build lies;
    ``patience``: seconds to wait for another builder at work on the same prefix.
    """
    attempt, plan = Path(arguments["attempt"]), InstallPlan.from_json(arguments["plan"])
    target = Target(
        build_key=arguments["build_key"], lockfile_digest=arguments["lockfile_digest"], path=Path(plan.prefix)
    )
    trash = trash_of(target.path, uuid.uuid4().hex)
    try:
        lock = lock_of(target.path)
        with locked(lock, arguments["patience"]):
            if Path(arguments["canceled"]).exists():
                lock.unlink(missing_ok=True)
                raise StageFailure(FailureCode.CANCELED, "the build was canceled")
            record = read_whole(target) or _put_into_place(attempt, trash, plan, target, report)
    except LockHeld as held:
        # It may stand still for long, and nobody else can tell what it has done: not this attempt's fault.
        detail = "another builder is at work on this prefix and does not finish"
        raise StageFailure(FailureCode.TIMEOUT, detail, transient=True) from held
    remove_tree(trash)
    return {"record": record.to_bytes().decode()}


def _put_into_place(attempt: Path, trash: Path, plan: InstallPlan, target: Target, report: Report) -> PrefixRecord:
    if os.path.lexists(target.path):
        report.log("replacing a prefix that was left unfinished")
        target.path.rename(trash)
    attempt.rename(target.path)
    record = installer.finish(plan, report)
    mark_whole(target, record, plan.ownership)
    return record
