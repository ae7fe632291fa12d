"""What the service asks of outside tools."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from conda_store_shared.child.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedArchive:
    """An archive on local disk: ``size`` in bytes, ``digest`` SHA-256 (hex), ``files`` how many it holds."""

    size: int
    digest: str
    files: int


class Packer(Protocol):
    """Makes one archive of a prefix."""

    async def pack(self, prefix: Path, output: Path, deadline: float, report: Report) -> PackedArchive:
        """Write the archive to the new file ``output`` within ``deadline`` seconds.

        Raises StageFailure: prefix_missing, pack_failed, timeout, disk_full, out_of_memory, worker_lost.
        """
        ...
