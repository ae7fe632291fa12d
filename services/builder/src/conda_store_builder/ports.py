"""What the use cases need from outside."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from conda_store_shared.child.report import Report
from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.domain.order import PrefixOrder
from conda_store_shared.domain.prefix_record import PrefixRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The prefix that is wanted: of which build and lockfile, and where."""

    build_key: str
    lockfile_digest: str
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What is installed, how, and where; certificates of ``trusted_hosts`` need not be good."""

    target: Target
    order: PrefixOrder
    lockfile: Lockfile
    trusted_hosts: tuple[str, ...] = ()


class Installer(Protocol):
    """Installs in child processes.  Both methods raise StageFailure; the task's cancellation ends the process."""

    async def install(self, attempt: Path, work: Installation, report: Report) -> None:
        """Put the conda packages into ``attempt``, patched for the final path."""
        ...

    async def finish(self, attempt: Path, work: Installation, report: Report) -> PrefixRecord:
        """Put the attempt into its final place under the lock, complete it there, and mark it whole.

        Where a whole prefix has come up meanwhile, that one is told of and the attempt is left alone.
        """
        ...


class PrefixStore(Protocol):
    """The directories of prefixes."""

    async def find_whole(self, target: Target) -> PrefixRecord | None:
        """What is installed at the target's path, when that is whole and of the same build and lockfile."""
        ...

    def attempt(self, target: Target) -> AbstractAsyncContextManager[Path]:
        """A directory for one attempt; what is left of it, or of a broken prefix, is removed at the end."""
        ...

    async def mark_canceled(self, build_key: str) -> None:
        """See that no attempt at this build is put into place any more, by whichever builder."""
        ...

    async def discard(self, path: Path, build_key: str) -> bool:
        """Remove a prefix, or leave word to remove it once nobody works on it; returns whether it is gone for good.

        Nothing but the prefix of ``build_key`` inside the store directory is ever removed: raises InvalidInput.
        """
        ...


@dataclass(frozen=True, slots=True, order=True)
class Generation:
    """Orders what is asked of a link: a later environment of the same name has the higher id."""

    environment_id: int
    number: int


class EnvironmentLinks(Protocol):
    """The symbolic links of environments."""

    async def point(self, link: Path, path: Path, generation: Generation) -> bool:
        """Let ``link`` point at ``path`` unless a newer generation was there already; returns whether it does."""
        ...

    async def discard(self, link: Path, generation: Generation) -> None:
        """Remove ``link`` unless a newer generation is there; no older one comes back."""
        ...
