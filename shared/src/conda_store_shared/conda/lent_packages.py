"""Packages that another cache on this machine has already: taken from there, so that nothing is fetched again."""

import os
import shutil
import uuid
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from conda_store_shared.conda.ownership import remove_tree
from conda_store_shared.conda.package_cache import PackageCache, is_whole
from conda_store_shared.conda.package_view import package_places
from conda_store_shared.domain.lockfile import LockedPackage


def borrow_packages(cache: PackageCache, roots: Sequence[Path], packages: Iterable[LockedPackage]) -> int:
    """Put into ``cache`` what it lacks and the caches at ``roots`` have whole; returns how many that were.

    Files are linked where the file system can, else copied; in the other caches nothing changes.
    """
    borrowed = 0
    cache.packages.mkdir(parents=True, exist_ok=True)
    for place in package_places(cache.packages, packages).values():
        if not place.exists() and any(_borrow(lent, place) for root in roots for lent in _lent(root, place.name)):
            borrowed += 1
    return borrowed


def _lent(root: Path, name: str) -> list[Path]:
    try:
        # One for each owner and mode, which do not matter here.
        return sorted((root / "packages").glob(f"*/{name}"))
    except OSError:
        return []


def _borrow(lent: Path, place: Path) -> bool:
    draft = place.with_name(f".lent-{uuid.uuid4().hex}")
    try:
        if not is_whole(lent):
            return False
        shutil.copytree(lent, draft, symlinks=True, copy_function=_link)
        # Somebody else may have put it there meanwhile, or it went away where it was: it is fetched then.
        with suppress(OSError):
            os.rename(draft, place)
    except (OSError, shutil.Error):
        return False
    finally:
        remove_tree(draft)
    return place.exists()


def _link(source: str, target: str) -> str:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)
    return target
