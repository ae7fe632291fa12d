"""One pool of children for all solves, and channels of tiny packages."""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from conda_store_shared.child.pool import ChildPool, PoolOptions
from conda_store_shared.child.report import SilentReport
from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.domain.order import SolveOrder
from conda_store_shared.testing.tiny_channel import TinyPackage, TinyWheel, UnfriendlyServer, write_tiny_channel
from conda_store_solver.adapters.rattler_solver import CHILD_MODULE
from conda_store_solver.config import SolverOptions
from conda_store_solver.main import build_solver
from tests.integration.solver.solver_at_work import RunningSolver, running_solver

GLIBC = ("__glibc >=2.17,<3.0.a0",)
MACOS = ("__osx >=11.0",)
PACKAGES = [
    *(TinyPackage(name="python", version=v, subdir="linux-64", depends=GLIBC) for v in ("3.11.7", "3.12.1")),
    *(TinyPackage(name="python", version=v, subdir="osx-arm64", depends=MACOS) for v in ("3.11.7", "3.12.1")),
    TinyPackage(name="flask", version="3.0", depends=("python >=3.11", "werkzeug >=3,<4", "click")),
    TinyPackage(name="flask", version="2.0", depends=("python >=3.8", "werkzeug 2.*")),
    TinyPackage(name="werkzeug", version="3.0", depends=("python",)),
    TinyPackage(name="click", version="8.1", depends=("python >=3.7", "python <4")),
    TinyPackage(name="pip", version="24.0", depends=("python",)),
    TinyPackage(name="old", version="1.0", depends=("python <3.12",)),
    TinyPackage(name="gpu", version="1.0", depends=("__cuda >=12",)),
    TinyPackage(name="mac-only", version="1.0", subdir="osx-arm64"),
]
EXTRA = [TinyPackage(name="flask", version="4.0", depends=("python",)), TinyPackage(name="only-extra")]
WHEELS = [
    TinyWheel(name="plugin", version="1.2", requires=("flask>=2", "greeting[loud]>=1")),
    TinyWheel(name="greeting", version="1.0", requires=("shout ; extra == 'loud'",)),
    TinyWheel(name="shout", version="0.1"),
    TinyWheel(name="flask", version="2.0"),
    TinyWheel(name="flask", version="3.0"),
    TinyWheel(name="flask", version="9.0"),
    TinyWheel(name="from-source", source=True),
    TinyWheel(name="native", tag="cp311-cp311-manylinux_2_17_x86_64"),
    TinyWheel(name="native", tag="cp311-cp311-macosx_11_0_arm64"),
    TinyWheel(name="native", tag="cp312-cp312-manylinux_2_17_x86_64"),
]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the channels ``main`` and ``extra`` and the package index ``simple``."""
    root = tmp_path_factory.mktemp("world")
    write_tiny_channel(root / "main", PACKAGES)
    write_tiny_channel(root / "extra", EXTRA)
    write_tiny_channel(root / "unsharded", PACKAGES, shards=False)
    for wheel in WHEELS:
        wheel.write(root / "simple")
    return root


@pytest.fixture(scope="session")
def server(world: Path) -> Iterator[UnfriendlyServer]:
    """The world by HTTP."""
    with UnfriendlyServer(world) as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def pool() -> AsyncIterator[ChildPool]:
    """Warm children that solve."""
    async with ChildPool(PoolOptions(preload=(CHILD_MODULE,), spares=2, max_calls=1000)) as running:
        yield running


Solve = Callable[..., Coroutine[Any, Any, Lockfile]]


@pytest.fixture
def solve(pool: ChildPool, server: UnfriendlyServer, tmp_path: Path) -> Solve:
    """Solve ``dependencies``; whatever else an order or the options hold is given by name."""

    async def solve_now(*dependencies: Any, **changes: Any) -> Lockfile:
        options = SolverOptions(cache_directory=tmp_path / "cache", **changes.pop("options", {}))
        report = changes.pop("report", SilentReport())
        specification = {"name": "x", "channels": ["main"], "dependencies": list(dependencies)}
        order: dict[str, Any] = {
            "specification": specification | changes.pop("specification", {}),
            "channels": (f"{server.url}/open/main",),
            "platforms": ("linux-64",),
            "deadline": 60.0,
        }
        return await build_solver(options, pool).solve(SolveOrder(**(order | changes)), report)

    return solve_now


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def solver(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningSolver]:
    """The service, running."""
    async with running_solver(tmp_path_factory.mktemp("solver")) as running:
        yield running
