"""Composition root of the solver: wires it from plain values."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from traitlets.config import Config

from conda_store_shared.assembly.message_bus import open_bus
from conda_store_shared.assembly.object_storage import open_store
from conda_store_shared.assembly.process import Process, run_command
from conda_store_shared.bus.port import Bus, Subscription
from conda_store_shared.child.pool import ChildPool, PoolOptions
from conda_store_shared.contracts.events import BuildCanceled, LockfileSolved, SolveRequested
from conda_store_shared.contracts.topology import SOLVER, queue_name
from conda_store_shared.domain.stage import SOLVE
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.worker.service import Service
from conda_store_shared.worker.stage import StageContext, StageOptions, StageWorker
from conda_store_solver.adapters.rattler_gateway import GatewayOptions
from conda_store_solver.adapters.rattler_solver import CHILD_MODULE, RattlerSolver
from conda_store_solver.adapters.uv_pip_compiler import UvOptions
from conda_store_solver.config import SolverOptions, read_options
from conda_store_solver.use_cases.solve_specification import SolveTools, solve_specification


def build(options: SolverOptions, *, bus: Bus, store: ObjectStore) -> Service:
    """Wire the solver."""
    pool = ChildPool(
        PoolOptions(
            preload=(CHILD_MODULE,),
            spares=options.concurrency,
            max_calls=options.recycle_calls,
            max_bytes=options.recycle_bytes,
            environment=options.environment,
        )
    )
    tools = SolveTools(store=store, solver=build_solver(options, pool))
    worker = StageWorker(
        StageOptions(source=SOLVER, heartbeat=options.heartbeat, deadline=options.deadline), bus=bus, store=store
    )

    async def solve(request: SolveRequested, context: StageContext) -> LockfileSolved:
        return await solve_specification(request, context, tools)

    return Service(
        name=SOLVER,
        subscriptions=(
            Subscription(
                queue=queue_name(SOLVER, SolveRequested),
                handler=worker.handler(lambda _request: SOLVE, solve),
                concurrency=options.concurrency,
            ),
            Subscription(event=BuildCanceled, handler=worker.on_build_canceled),
        ),
        contexts=(pool,),
        interrupt=worker.interrupt,
    )


def build_solver(options: SolverOptions, pool: ChildPool) -> RattlerSolver:
    """Wire the adapter alone, for those who only want to solve."""
    return RattlerSolver(
        pool=pool,
        gateway=GatewayOptions(
            cache_directory=str(options.cache_directory),
            credentials=dict(options.channel_credentials),
            max_age=options.repodata_max_age,
            request_timeout=options.request_timeout,
        ),
        uv=UvOptions(cache_directory=str(options.cache_directory / "uv"), environment=dict(options.pip_environment)),
        memory_bytes=options.memory_bytes,
    )


@asynccontextmanager
async def assemble(config: Config) -> AsyncIterator[Process]:
    """Open what the service stands on and wire it; raises ConfigurationError."""
    async with open_store(config) as store:
        bus = open_bus(config, SOLVER)
        yield Process(services=[build(read_options(config), bus=bus, store=store)], bus=bus)


def main() -> None:
    """Run the command ``conda-store-solver``."""
    run_command(SOLVER, assemble)
