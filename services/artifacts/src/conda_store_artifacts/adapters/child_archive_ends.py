"""ArchiveEnds by a call in a child process, which keeps the conda-pack library out of the service."""

from base64 import b64decode
from collections.abc import Sequence

from conda_store_artifacts.domain.fragment_files import Mention
from conda_store_shared.child.pool import ChildCall, ChildPool
from conda_store_shared.child.report import Report

MODULE = "conda_store_artifacts.adapters.archive_end"


class ChildArchiveEnds:
    """Makes ends in the children of ``pool``; ``level`` is that of gzip."""

    def __init__(self, pool: ChildPool, level: int) -> None:
        self._pool = pool
        self._level = level

    async def make_end(self, mentions: Sequence[Mention], deadline: float, report: Report) -> bytes:
        """Return the compressed end of a tar."""
        told = [[mention.path, mention.placeholder, mention.mode] for mention in mentions]
        call = ChildCall(
            function=f"{MODULE}:make_end", arguments={"mentions": told, "level": self._level}, timeout=deadline
        )
        return b64decode(await self._pool.call(call, report))
