"""Composition root of the solver: wires it from plain values."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from traitlets.config import Config

from conda_store_shared.assembly.message_bus import open_bus
from conda_store_shared.assembly.object_storage import open_store
from conda_store_shared.assembly.process import Process, run_command
from conda_store_shared.bus.port import Bus, Subscription
from conda_store_shared.child.pool import ChildPool, PoolOptions
from conda_store_shared.contracts.envelope import Envelope
from conda_store_shared.contracts.events import (
    BuildCanceled,
    IndexRequested,
    LockfileSolved,
    SolveCanceled,
    SolveRequested,
)
from conda_store_shared.contracts.topology import SOLVER, queue_name
from conda_store_shared.domain.stage import SOLVE
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.worker.service import Service
from conda_store_shared.worker.stage import StageContext, StageOptions, StageWorker
from conda_store_solver.adapters.channel_indexer import ChildIndexer
from conda_store_solver.adapters.rattler_gateway import GatewayOptions
from conda_store_solver.adapters.rattler_solver import CHILD_MODULE, RattlerSolver
from conda_store_solver.adapters.uv_pip_compiler import UvOptions
from conda_store_solver.config import SolverOptions, read_options
from conda_store_solver.consumers import RemoteSolves, index_handler
from conda_store_solver.use_cases.index_channel import IndexTools
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

    remote = RemoteSolves(bus, tools)

    async def solve(request: SolveRequested, context: StageContext) -> LockfileSolved:
        return await solve_specification(request, context, tools)

    solve_for_build = worker.handler(lambda _request: SOLVE, solve)

    async def on_solve_requested(envelope: Envelope) -> None:
        is_remote = isinstance(envelope.event, SolveRequested) and envelope.event.solve_id
        await (remote.handle if is_remote else solve_for_build)(envelope)

    async def interrupt() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(worker.interrupt())
            group.create_task(remote.interrupt())

    return Service(
        name=SOLVER,
        subscriptions=(
            Subscription(
                queue=queue_name(SOLVER, SolveRequested), handler=on_solve_requested, concurrency=options.concurrency
            ),
            Subscription(
                queue=queue_name(SOLVER, IndexRequested),
                handler=index_handler(bus, IndexTools(store=store, indexer=build_indexer(options))),
            ),
            Subscription(event=BuildCanceled, handler=worker.on_build_canceled),
            Subscription(event=SolveCanceled, handler=remote.on_solve_canceled),
        ),
        pools=(pool,),
        interrupt=interrupt,
    )


def build_indexer(options: SolverOptions) -> ChildIndexer:
    """Wire the adapter that lists channels."""
    return ChildIndexer(
        cache_directory=options.cache_directory / "index",
        timeout=options.index_deadline,
        memory_bytes=options.memory_bytes,
        credentials=dict(options.channel_credentials),
        environment=options.environment,
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
        uv=UvOptions(
            cache_directory=str(options.cache_directory / "uv"),
            credentials=dict(options.channel_credentials),
            environment=dict(options.pip_environment),
        ),
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
    run_command(SOLVER, "solves specifications into lockfiles, and lists channels.", assemble)
