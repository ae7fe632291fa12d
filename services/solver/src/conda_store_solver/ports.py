"""What the solver needs from outside tools."""

from typing import Protocol

from conda_store_shared.child.report import Report
from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.domain.order import SolveOrder
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


class PipCompiler(Protocol):
    """Finds the wheels for the pip section of a specification."""

    async def compile(self, request: PipRequest) -> tuple[PipPackage, ...]:
        """Return everything the requirements need, what conda provides included; raises StageFailure."""
        ...
