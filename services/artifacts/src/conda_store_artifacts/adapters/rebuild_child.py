"""Runs in a child process: an environment installed on this machine, to be packed and thrown away."""

import asyncio
from pathlib import Path
from typing import Any

from conda_store_shared.child.report import Report
from conda_store_shared.conda.install_plan import InstallPlan
from conda_store_shared.conda.installer import finish, install
from conda_store_shared.conda.lent_packages import borrow_packages


async def rebuild_prefix(arguments: dict[str, Any], report: Report) -> None:
    """Install ``plan`` at its prefix; ``lent`` are roots of package caches that are only read."""
    plan = InstallPlan.from_json(arguments["plan"])
    lent = [Path(root) for root in arguments["lent"]]
    await asyncio.to_thread(borrow_packages, plan.package_cache, lent, plan.conda)
    await install(Path(plan.prefix), plan, report)
    await asyncio.to_thread(finish, plan, report)
