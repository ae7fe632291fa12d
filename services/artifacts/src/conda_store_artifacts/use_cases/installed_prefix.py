"""An installed environment on this machine: the builder's, or one that is installed anew."""

import asyncio
from pathlib import Path

from conda_store_artifacts.use_cases.artifact_tools import Making, Tools
from conda_store_shared.domain.whole_marker import WHOLE_MARKER, WholeMarker


async def installed_prefix(directory: Path, making: Making, tools: Tools) -> Path:
    """Return the builder's prefix where that is mounted and whole, else a new one below ``directory``.

    Raises StageFailure.
    """
    inputs = making.inputs
    prefix = Path(inputs.record.path)
    if await asyncio.to_thread(_is_whole, prefix, inputs.order.build_key, inputs.lockfile.digest):
        return prefix
    making.log(f"there is no whole prefix at {prefix} on this machine; it is installed anew")
    prefix = directory / "prefix"
    await tools.rebuilder.rebuild(
        inputs.lockfile, inputs.order.prefix.platform, prefix, making.deadline, making.context
    )
    return prefix


def _is_whole(prefix: Path, build_key: str, lockfile_digest: str) -> bool:
    try:
        marker = WholeMarker.from_bytes((prefix / WHOLE_MARKER).read_bytes())
    except (OSError, ValueError):
        return False
    return (marker.build_key, marker.lockfile_digest) == (build_key, lockfile_digest)
