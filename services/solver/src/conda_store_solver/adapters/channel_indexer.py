"""Lists the packages of channels in child processes, each of which can be ended at any moment and keeps nothing."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from conda_store_shared.child.pool import ChildCall, ChildPool, PoolOptions
from conda_store_shared.conda.credentials import Credentials
from conda_store_solver.adapters.index_child import IndexOrder
from conda_store_solver.ports import IndexFile

_CHILD_MODULE = "conda_store_solver.adapters.index_child"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildIndexer:
    """The ``ChannelIndexer`` of the service.

    ``timeout`` is in seconds and, like ``memory_bytes``, for one subdir of a channel.
    """

    cache_directory: Path
    timeout: float
    memory_bytes: int | None = None
    credentials: Credentials = field(default_factory=dict, repr=False)
    environment: Mapping[str, str] = field(default_factory=dict)

    async def index(self, channel: str, subdir: str) -> IndexFile:
        """Return the list of one subdir of a channel; raises StageFailure naming the channel."""
        order = IndexOrder(
            channel=channel,
            subdir=subdir,
            cache_directory=str(self.cache_directory),
            credentials=dict(self.credentials),
            timeout=self.timeout,
        )
        call = ChildCall(
            function=f"{_CHILD_MODULE}:index_subdir",
            arguments=dataclasses.asdict(order),
            timeout=self.timeout,
            memory_bytes=self.memory_bytes,
        )
        # Solves must not wait for this, and four times an hour is too rare to keep a child warm.
        options = PoolOptions(preload=(_CHILD_MODULE,), environment=self.environment)
        async with ChildPool(options) as pool:
            told = await pool.call(call)
        return IndexFile(path=Path(told["path"]), digest=told["digest"], files=told["files"], left_out=told["left_out"])
