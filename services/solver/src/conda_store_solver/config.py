"""The options of solver, as plain values."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from traitlets.config import Config

from conda_store_shared.conda.credentials import Credentials
from conda_store_shared.config.conda_store import CondaStore
from conda_store_shared.config.directories import cache_directory
from conda_store_shared.config.worker import CondaStoreWorker


@dataclass(frozen=True, slots=True, kw_only=True)
class SolverOptions:
    """How the solver works.

    ``concurrency`` solves run at once, each within ``memory_bytes``.  ``channel_credentials`` are of channels and
    package indexes, by name.  ``pip_environment`` sets uv up (index, certificates),
    ``environment`` whatever else a child needs (proxies).  ``repodata_max_age``, ``heartbeat``, ``deadline`` (of all
    retries of an attempt together) and ``index_deadline`` (of listing one subdir of a channel) are seconds; the
    deadline of a solve comes with its order.
    """

    cache_directory: Path
    concurrency: int = 2
    memory_bytes: int | None = 4 * 1024**3
    recycle_bytes: int = 1024**3
    recycle_calls: int = 200
    channel_credentials: Credentials = field(default_factory=dict, repr=False)
    pip_environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    environment: Mapping[str, str] = field(default_factory=dict)
    repodata_max_age: float = 60.0
    request_timeout: int = 60
    heartbeat: float = 10.0
    deadline: float = 1200.0
    index_deadline: float = 600.0


def read_options(config: Config) -> SolverOptions:
    """Return the options that ``config`` sets."""
    section, store = CondaStoreWorker(config=config), CondaStore(config=config)
    return SolverOptions(
        cache_directory=Path(section.cache_directory or cache_directory()) / "solver",
        concurrency=section.concurrency or os.cpu_count() or 1,
        memory_bytes=section.solve_memory,
        channel_credentials=dict(section.channel_credentials),
        heartbeat=section.heartbeat,
        deadline=store.conda_max_solve_time,
        index_deadline=store.max_index_time,
    )
