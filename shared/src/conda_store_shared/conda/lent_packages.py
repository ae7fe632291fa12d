"""Packages that another cache on this machine has already: taken from there, so that nothing is fetched again."""

import os
import shutil
import uuid
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from conda_store_shared.conda.ownership import remove_tree
from conda_store_shared.conda.package_cache import PackageCache, is_whole
from conda_store_shared.conda.package_view import package_places
from conda_store_shared.domain.lockfile import LockedPackage

# Most of it is waiting for the file system.
_AT_ONCE = 2


def borrow_packages(cache: PackageCache, roots: Sequence[Path], packages: Iterable[LockedPackage]) -> int:
    """Put into ``cache`` what it lacks and the caches at ``roots`` have whole; returns how many that were.

    Files are linked where the file system can, else copied; in the other caches nothing changes.
    """
    cache.packages.mkdir(parents=True, exist_ok=True)
    missing = [place for place in package_places(cache.packages, packages).values() if not place.exists()]

    def borrow(place: Path) -> bool:
        return any(_borrow(lent, place) for root in roots for lent in _lent(root, place.name))

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        return sum(threads.map(borrow, missing))


def find_extracted(cache: PackageCache, roots: Sequence[Path], packages: Iterable[LockedPackage]) -> dict[str, Path]:
    """Where packages are extracted, in ``cache`` or in those at ``roots``, by NAME-VERSION-BUILD.

    What is found elsewhere is only read, and may go away at any time.
    """
    found = {}
    for name, place in package_places(cache.packages, packages).items():
        if place.exists():
            # Packages that nobody uses are removed.
            os.utime(place)
            found[name] = place
        elif lent := [path for root in roots for path in _lent(root, place.name)]:
            found[name] = lent[0]
    return found


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
        _link_tree(lent, draft)
        # Somebody else may have put it there meanwhile, or it went away where it was: it is fetched then.
        with suppress(OSError):
            os.rename(draft, place)
    except OSError:
        return False
    finally:
        remove_tree(draft)
    return place.exists()


def _link_tree(source: str | Path, target: str | Path) -> None:
    # Not shutil.copytree, which takes three times as long: nobody asks for the modes and times of directories.
    os.mkdir(target)
    with os.scandir(source) as entries:
        for entry in entries:
            place = os.path.join(target, entry.name)
            if entry.is_dir(follow_symlinks=False):
                _link_tree(entry.path, place)
            else:
                _link(entry.path, place)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)
