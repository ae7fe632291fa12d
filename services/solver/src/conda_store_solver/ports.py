"""What the solver needs from outside tools."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from conda_store_shared.child.report import Report
from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.domain.order import SolveOrder
from conda_store_shared.domain.prefix_record import InstalledPackage
from conda_store_shared.domain.stage import Attempt
from conda_store_solver.domain.packages import PipPackage
from conda_store_solver.domain.pip_section import PipRequest


class Context(Report, Protocol):
    """The attempt a use case works for, and where it says what it does."""

    stage: str
    attempt: Attempt


class Solver(Protocol):
    """Finds the packages for a specification."""

    async def solve(self, order: SolveOrder, report: Report) -> Lockfile:
        """Return a lockfile for all platforms of ``order``; raises StageFailure with the reason why there is none."""
        ...

    async def find_packages(self, order: SolveOrder, report: Report) -> tuple[InstalledPackage, ...]:
        """Return the conda packages for all platforms of ``order``; raises StageFailure as ``solve`` does."""
        ...


class PipCompiler(Protocol):
    """Finds the wheels for the pip section of a specification."""

    async def compile(self, request: PipRequest) -> tuple[PipPackage, ...]:
        """Return everything the requirements need, what conda provides included; raises StageFailure."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexFile:
    """The list of one subdir of a channel: ``files`` packages are in it, ``left_out`` records were not readable."""

    path: Path
    digest: str
    files: int
    left_out: int


class ChannelIndexer(Protocol):
    """Lists what there is in a channel."""

    async def index(self, channel: str, subdir: str) -> IndexFile:
        """Return the list of one subdir of a channel; raises StageFailure naming the channel."""
        ...
