"""Solves by py-rattler in a child process that can be ended at any moment."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from conda_store_shared.child.pool import ChildCall, ChildPool
from conda_store_shared.child.report import Report
from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.domain.order import SolveOrder
from conda_store_shared.domain.prefix_record import InstalledPackage
from conda_store_solver.adapters.rattler_gateway import GatewayOptions
from conda_store_solver.adapters.uv_pip_compiler import UvOptions

CHILD_MODULE = "conda_store_solver.adapters.rattler_child"


@dataclass(frozen=True, slots=True, kw_only=True)
class RattlerSolver:
    """The ``Solver`` of the service; ``memory_bytes`` limits each solve."""

    pool: ChildPool
    gateway: GatewayOptions
    uv: UvOptions
    memory_bytes: int | None = None

    async def solve(self, order: SolveOrder, report: Report) -> Lockfile:
        """Return a lockfile for all platforms of ``order``; raises StageFailure with the reason why there is none."""
        return Lockfile.from_value(await self._call("solve_order", order, report))

    async def find_packages(self, order: SolveOrder, report: Report) -> tuple[InstalledPackage, ...]:
        """Return the conda packages for all platforms of ``order``; raises StageFailure as ``solve`` does."""
        return tuple(map(InstalledPackage.from_value, await self._call("find_packages", order, report)))

    async def _call(self, function: str, order: SolveOrder, report: Report) -> Any:
        call = ChildCall(
            function=f"{CHILD_MODULE}:{function}",
            arguments={"order": _plain(order), "gateway": _plain(self.gateway), "uv": _plain(self.uv)},
            timeout=order.deadline,
            memory_bytes=self.memory_bytes,
        )
        return await self.pool.call(call, report)


def _plain(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
