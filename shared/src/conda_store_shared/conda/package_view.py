"""One install's own view of a shared package cache.

rattler locks a whole cache for as long as an install takes, so installs that share one wait for each other, and for
ever when one of them stands still.  Each process, which makes one install at a time, therefore has a directory of its
own to work in:

<cache>/.view-<uuid>/<name>-<version>-<build>          a link to the shared package, or the package just fetched
<cache>/<name>-<version>-<build>-<digest>/             shared; appears whole, by rename, and is never changed

Two installs that miss the same package both fetch it, and the first to finish shares its copy.
"""

import os
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

from conda_store_shared.conda.ownership import remove_tree
from conda_store_shared.conda.package_cache import is_whole, package_place, remove_package
from conda_store_shared.domain.lockfile import LockedPackage
from conda_store_shared.domain.package_address import PackageAddress

# What rattler keeps beside a package to know it again; shared packages carry it inside.
_RATTLER_NOTE = "info/conda-store-rattler.lock"


class PackageView:
    """The view of ``packages`` in the cache at ``shared``, to be entered; a process has one for each cache it uses.

    It stays for the next install of the process, which mostly wants the same packages.
    """

    def __init__(self, shared: Path, packages: Iterable[LockedPackage]) -> None:
        self.directory = _directory(shared)
        self._places = package_places(shared, packages)

    def __enter__(self) -> "PackageView":
        self.directory.mkdir(parents=True, exist_ok=True)
        # The janitor takes old ones for the remains of processes that are gone.
        os.utime(self.directory)
        for name, place in self._places.items():
            self._show(name, place)
        return self

    def __exit__(self, *_: object) -> None:
        for name in self._places:
            fetched = self.directory / name
            if not fetched.is_symlink():
                remove_tree(fetched)
                (self.directory / f"{name}.lock").unlink(missing_ok=True)

    def fetched(self) -> list[Path]:
        """The directories of packages that this install fetched, or is extracting."""
        with os.scandir(self.directory) as entries:
            return [Path(entry) for entry in entries if entry.is_dir(follow_symlinks=False)]

    def drop_damaged(self) -> list[str]:
        """Take away shared packages that are not whole, and show what is left; return their names."""
        damaged = [name for name, place in self._places.items() if (self.directory / name).is_symlink()]
        damaged = [name for name in damaged if not is_whole(self._places[name])]
        for name in damaged:
            remove_package(self._places[name])
            self._show(name, self._places[name])
        return damaged

    def share(self) -> None:
        """Move what was fetched into the shared cache; what another install shared meanwhile stays."""
        for name, place in self._places.items():
            fetched = self.directory / name
            if fetched.is_symlink() or not fetched.is_dir():
                continue
            (fetched / _RATTLER_NOTE).write_bytes((self.directory / f"{name}.lock").read_bytes())
            # A directory that is there and not empty cannot be renamed over: it holds the same package.
            with suppress(OSError):
                os.rename(fetched, place)

    def _show(self, name: str, place: Path) -> None:
        """Let the link be there if the shared package is, and be gone if it is not."""
        link, own_note, note = self.directory / name, self.directory / f"{name}.lock", place / _RATTLER_NOTE
        if link.is_symlink():
            if os.readlink(link) == str(place) and note.exists():
                return
            link.unlink()
        # Once for each process: a machine that lost its power starts with new ones.
        if place.exists() and not is_whole(place):
            remove_package(place)
        try:
            own_note.write_bytes(note.read_bytes())
            link.symlink_to(place)
        except FileNotFoundError:
            own_note.unlink(missing_ok=True)


@cache
def _directory(shared: Path) -> Path:
    return shared / f".view-{uuid.uuid4().hex}"


def package_places(shared: Path, packages: Iterable[LockedPackage]) -> Mapping[str, Path]:
    """Where packages are to be in the shared cache, by NAME-VERSION-BUILD; those without a digest never are."""
    places = {}
    for package in packages:
        digest = package.sha256 or package.md5
        if digest:
            name = package_label(package)
            places[name] = package_place(shared, name, digest)
    return places


def package_label(package: LockedPackage) -> str:
    """NAME-VERSION-BUILD, as rattler names the directory of an extracted package."""
    return f"{package.name}-{package.version}-{package.build or PackageAddress.parse(package.url).build}"
