"""What comes into the package cache is checked: while it is extracted, and before anything of it is linked."""

import asyncio
import os
import resource
import threading
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from conda_store_shared.conda.ownership import remove_tree
from conda_store_shared.conda.package_check import PackageLimits, check_package, measure, refusal
from conda_store_shared.conda.package_links import PackageLinks, known_links, links_of
from conda_store_shared.conda.package_view import PackageView, package_label
from conda_store_shared.domain.lockfile import LockedPackage
from conda_store_shared.errors import StageFailure

# A look at what is being extracted costs at most a tenth of the time.
_PAUSE = 0.2
_SHARE = 10
# A write beyond it is an error, which rattler passes on; it knows no other way to stop.
_NO_MORE_BYTES = 4096


class PackageGate:
    """Refuses packages of one install; ``refused`` is the failure of the first."""

    def __init__(self, view: PackageView, packages: Sequence[LockedPackage], limits: PackageLimits) -> None:
        self.refused: StageFailure | None = None
        self._view = view
        self._packages = {package.name: package for package in packages}
        self._limits = limits
        self._labels = {package_label(package): package for package in packages}
        self._admitted: set[str] = set()
        self._links: dict[str, PackageLinks] = {}
        self._lock = threading.Lock()
        self._remains: list[Path] = []
        self._is_over = False

    def admit(self, name: str) -> None:
        """Check a package that has come into the cache; one that is refused is not there any more.

        Called by rattler, from any thread, which links what it then finds.
        """
        package = self._packages[name]
        directory = self._view.directory / package_label(package)
        if not directory.is_dir():
            return
        # Whatever keeps the check from its end keeps the package out: rattler does not hear of errors here.
        failure, is_fit = refusal(package, "it could not be checked"), False
        try:
            self._meet(package, self._check(directory, package))
            is_fit = True
        except StageFailure as found:
            failure = found
        finally:
            if not is_fit:
                self._refuse(directory, failure)

    def _check(self, directory: Path, package: LockedPackage) -> PackageLinks:
        if directory.is_symlink():
            return known_links(directory)
        links = links_of(directory, check_package(directory, package, self._limits))
        self._admitted.add(directory.name)
        return links

    def _meet(self, package: LockedPackage, links: PackageLinks) -> None:
        """Raises StageFailure when the links of two packages would lead out of the environment together."""
        with self._lock:
            for name, others in self._links.items():
                if name != package.name and (clash := links.clash_with(others)):
                    reason = f"with package {name} it has links that lead out of the environment, by way of {clash}"
                    raise refusal(package, reason)
            self._links[package.name] = links

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[None]:
        """Stop what is extracted without end, for as long as this is entered."""
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        watch = asyncio.create_task(self._watch(), name="package-gate")
        try:
            yield
        finally:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            self._is_over = True
            await asyncio.to_thread(self._clear)

    async def _watch(self) -> None:
        pause = _PAUSE
        while True:
            await asyncio.sleep(pause)
            began = time.monotonic()
            await asyncio.to_thread(self._look)
            pause = max(_PAUSE, _SHARE * (time.monotonic() - began))

    def _look(self) -> None:
        for directory in self._view.fetched():
            package = self._package_at(directory.name)
            if package is not None and (reason := measure(directory, self._limits)):
                _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
                resource.setrlimit(resource.RLIMIT_FSIZE, (_NO_MORE_BYTES, hard))
                self._refuse(directory, refusal(package, reason))

    def _package_at(self, name: str) -> LockedPackage | None:
        """What is being extracted there: the name is the package's, between a dot and a random end until it is done."""
        fitting = [label for label in self._labels if name.removeprefix(".").startswith(label)]
        return self._labels[max(fitting, key=len)] if fitting and name not in self._admitted else None

    def _refuse(self, directory: Path, failure: StageFailure) -> None:
        self.refused = self.refused or failure
        aside = directory.with_name(f".refused-{uuid.uuid4().hex}")
        self._remains += [aside, directory]
        with suppress(FileNotFoundError):
            os.rename(directory, aside)
            # Whoever still extracts there is to fail, and not to begin a new directory.
            directory.touch()
        if self._is_over:
            self._clear()

    def _clear(self) -> None:
        for path in self._remains:
            # rattler may be about to learn that it is over; what it still writes goes with the view.
            with suppress(OSError):
                remove_tree(path)
