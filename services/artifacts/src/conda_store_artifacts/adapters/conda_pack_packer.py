"""Packer by the conda-pack library in a child process."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from conda_store_artifacts.adapters.child_archive_ends import MODULE as ARCHIVE_END
from conda_store_artifacts.ports import PackedArchive
from conda_store_shared.child.pool import ChildCall, ChildPool, PoolOptions
from conda_store_shared.child.report import Report

MODULE = "conda_store_artifacts.adapters.conda_pack_archive"

# A child that made fragments keeps twice that for itself, while what it made is stored.
_MOST_KEPT = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class PackOptions:
    """gzip ``level`` 0 to 3, ``threads`` that compress one archive, ``memory_bytes`` a child may hold."""

    # Several times as quick as conda-pack's own, for an archive a tenth larger: people wait for it.
    level: int = 2
    threads: int = 2
    memory_bytes: int | None = None


def pool_options(concurrency: int) -> PoolOptions:
    """Options of a pool in which ``concurrency`` artifacts are made at once."""
    # What every archive needs.  Installing is imported by the child that does it: most of the time nobody does.
    return PoolOptions(
        preload=(ARCHIVE_END,),
        spares=concurrency,
        ahead=False,
        max_bytes=_MOST_KEPT,
        environment={"MALLOC_ARENA_MAX": "2"},
    )


class CondaPackPacker:
    """Packs in the children of ``pool``."""

    def __init__(self, pool: ChildPool, options: PackOptions) -> None:
        self._pool = pool
        self._options = options

    async def pack(self, prefix: Path, output: Path, deadline: float, report: Report) -> PackedArchive:
        """Write the archive of ``prefix`` to ``output``."""
        call = ChildCall(
            function=f"{MODULE}:pack_prefix",
            arguments={
                "prefix": str(prefix),
                "output": str(output),
                "level": self._options.level,
                "threads": self._options.threads,
            },
            timeout=deadline,
            memory_bytes=self._options.memory_bytes,
        )
        result = await self._pool.call(call, report)
        return PackedArchive(**{field.name: result[field.name] for field in dataclasses.fields(PackedArchive)})
