"""rattler's callbacks as progress: bytes while anything is being fetched, packages otherwise."""

import threading
from collections.abc import Callable

from rattler.install.installer import InstallerReporter

from conda_store_shared.child.report import Report


class InstallProgress(InstallerReporter):  # type: ignore[misc]  # mypy does not follow rattler
    """Counts; the callbacks come from several threads.  ``archive_bytes`` holds what was fetched, by package name.

    ``admit`` is told the name of each package that is in the cache now, before anything of it is linked.
    """

    def __init__(self, total: int, report: Report, admit: Callable[[str], None]) -> None:
        self._admit = admit
        self.archive_bytes: dict[str, int] = {}
        self._total = total
        self._report = report
        self._lock = threading.Lock()
        self._linked = 0
        self._ids = 0
        self._names: dict[int, str] = {}
        self._fetching: dict[int, tuple[int, int]] = {}
        self._fetched = 0

    def on_populate_cache_start(self, operation: int, package_name: str) -> int:
        """Remember which package the entry is for."""
        with self._lock:
            self._ids += 1
            self._names[self._ids] = package_name
            return self._ids

    def on_populate_cache_complete(self, cache_entry: int) -> None:
        """A package is in the cache; rattler waits with linking it."""
        self._admit(self._names[cache_entry])

    def on_download_start(self, cache_entry: int) -> int:
        """A download begins."""
        with self._lock:
            self._fetching[cache_entry] = (0, 0)
        return cache_entry

    def on_download_progress(self, download_idx: int, progress: int, total: int | None) -> None:
        """So many bytes have come."""
        with self._lock:
            self._fetching[download_idx] = (progress, max(total or 0, progress))
            done = self._fetched + sum(had for had, _ in self._fetching.values())
            expected = self._fetched + sum(all_of_it for _, all_of_it in self._fetching.values())
        self._report.progress(done, expected, "bytes")

    def on_download_completed(self, download_idx: int) -> None:
        """A download is over."""
        with self._lock:
            had, _ = self._fetching.pop(download_idx)
            self._fetched += had
            self.archive_bytes[self._names[download_idx]] = had

    def on_link_complete(self, index: int) -> None:
        """A package is in the prefix."""
        with self._lock:
            self._linked += 1
            silent = bool(self._fetching)
        if not silent:
            self._report.progress(self._linked, self._total, "packages")
