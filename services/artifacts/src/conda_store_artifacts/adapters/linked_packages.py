"""Runs in a child process: conda packages as they are in an environment, installed whole or in outline."""

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from conda_store_artifacts.adapters.package_entries import Installed, find_record
from conda_store_artifacts.adapters.package_outline import write_outlines
from conda_store_artifacts.domain.fragment import is_noarch
from conda_store_shared.child.report import Report
from conda_store_shared.conda.install_plan import InstallPlan
from conda_store_shared.conda.installer import install
from conda_store_shared.conda.lent_packages import borrow_packages, find_extracted
from conda_store_shared.conda.package_view import package_label, package_places
from conda_store_shared.domain.lockfile import LockedPackage


@dataclass(frozen=True, slots=True, kw_only=True)
class Linking:
    """How ``packages`` are linked for ``target``; ``plan`` holds all of the environment, whose Python is ``python``.

    ``lent`` are caches of others.
    """

    plan: InstallPlan
    packages: Sequence[LockedPackage]
    target: str
    python: str | None
    lent: Sequence[Path]

    @property
    def together(self) -> tuple[LockedPackage, ...]:
        """What noarch packages install depends on the python beside them."""
        if not any(is_noarch(package) for package in self.packages):
            return tuple(self.packages)
        pythons = [package for package in self.plan.conda if package.name == "python"]
        return tuple({package.name: package for package in (*self.packages, *pythons)}.values())

    def plan_in(self, cache: Path) -> InstallPlan:
        """The plan of what is installed, from the package cache at ``cache``."""
        return dataclasses.replace(self.plan, conda=self.together, pip=(), prefix=self.target, cache=str(cache))


async def link_outlines(scratch: Path, linking: Linking, report: Report) -> list[Installed]:
    """Install nothing but what an install changes; the rest is read where the packages are.

    Raises NotAsPackaged when that cannot be, StageFailure as installing does.
    """
    found = find_extracted(linking.plan.package_cache, linking.lent, linking.together)
    plan = linking.plan_in(scratch / "cache")
    outlines = write_outlines(plan.package_cache, found, linking.together, linking.python)
    prefix = _directory(scratch)
    await install(prefix, plan, report)
    installed = []
    for package in linking.packages:
        outline = outlines[package_label(package)]
        each = _installed(package, prefix, outline.extracted, linking)
        outline.complete(each.record)
        plain = {path: source for path, (_, source) in outline.plain.items()}
        installed.append(dataclasses.replace(each, plain=plain))
    return installed


async def link_packages(scratch: Path, linking: Linking, report: Report) -> list[Installed]:
    """Install the packages, which are fetched unless they are there; raises StageFailure."""
    cache = linking.plan.package_cache
    borrow_packages(cache, linking.lent, linking.together)
    prefix = _directory(scratch)
    await install(prefix, linking.plan_in(cache.root), report)
    places = package_places(cache.packages, linking.packages)
    for place in places.values():
        # Packages that nobody uses are removed.
        os.utime(place)
    return [_installed(package, prefix, places[package_label(package)], linking) for package in linking.packages]


def _directory(scratch: Path) -> Path:
    prefix = scratch / "prefix"
    prefix.mkdir()
    return prefix


def _installed(package: LockedPackage, prefix: Path, extracted: Path, linking: Linking) -> Installed:
    record = find_record(prefix, package_label(package))
    return Installed(record=record, prefix=prefix, target=linking.target, extracted=extracted, python=linking.python)
