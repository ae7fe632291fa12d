"""One install's own view of a shared package cache.

rattler locks a whole cache for as long as an install takes, so installs that share one wait for each other, and for
ever when one of them stands still.  Each install therefore gets a directory of its own to work in:

<cache>/.view-<uuid>/<name>-<version>-<build>          a link to the shared package, or the package just fetched
<cache>/<name>-<version>-<build>-<digest>/             shared; appears whole, by rename, and is never changed

Two installs that miss the same package both fetch it, and the first to finish shares its copy.
"""

import os
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from conda_store_shared.conda.lockfile_records import PackageAddress
from conda_store_shared.conda.ownership import remove_tree
from conda_store_shared.domain.lockfile import LockedPackage

_DIGEST_LENGTH = 16
# What rattler keeps beside a package to know it again; shared packages carry it inside.
_RATTLER_NOTE = "info/conda-store-rattler.lock"


class PackageView:
    """The view of ``packages`` in the cache at ``shared``; a context that removes itself."""

    def __init__(self, shared: Path, packages: Iterable[LockedPackage]) -> None:
        self.directory = shared / f".view-{uuid.uuid4().hex}"
        self._shared = shared
        self._places = _places(shared, packages)

    def __enter__(self) -> "PackageView":
        self.directory.mkdir(parents=True)
        for name, place in self._places.items():
            with suppress(FileNotFoundError):
                note = (place / _RATTLER_NOTE).read_bytes()
                (self.directory / f"{name}.lock").write_bytes(note)
                (self.directory / name).symlink_to(place)
        return self

    def __exit__(self, *_: object) -> None:
        remove_tree(self.directory)

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


def _places(shared: Path, packages: Iterable[LockedPackage]) -> Mapping[str, Path]:
    places = {}
    for package in packages:
        build = package.build or PackageAddress.parse(package.url).build
        name = f"{package.name}-{package.version}-{build}"
        digest = package.sha256 or package.md5
        if digest:
            places[name] = shared / f"{name}-{digest[:_DIGEST_LENGTH]}"
    return places
