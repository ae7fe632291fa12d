"""Reading and writing the mark of a whole prefix."""

import os
import uuid
from pathlib import Path

from conda_store_builder.ports import Target
from conda_store_shared.conda.conda_meta import installed_packages
from conda_store_shared.conda.ownership import Ownership, own_entry
from conda_store_shared.domain.prefix_record import PrefixRecord
from conda_store_shared.domain.whole_marker import WHOLE_MARKER, WholeMarker


def read_marker(prefix: Path) -> WholeMarker | None:
    """The mark of ``prefix``; None when there is none, so that the prefix is not whole."""
    try:
        return WholeMarker.from_bytes((prefix / WHOLE_MARKER).read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None


def read_whole(target: Target) -> PrefixRecord | None:
    """What is installed at the target's path, when that is whole and of the same build and lockfile."""
    marker = read_marker(target.path)
    if marker is None or (marker.build_key, marker.lockfile_digest) != (target.build_key, target.lockfile_digest):
        return None
    try:
        packages = installed_packages(target.path)
    except (ValueError, KeyError):
        # Somebody damaged it: it is made again.
        return None
    return PrefixRecord(
        path=str(target.path),
        apparent_bytes=marker.apparent_bytes,
        unique_bytes=marker.unique_bytes,
        packages=packages,
    )


def mark_whole(target: Target, record: PrefixRecord, ownership: Ownership) -> None:
    """Write the mark, on the disk for good when this returns."""
    marker = WholeMarker(
        build_key=target.build_key,
        lockfile_digest=target.lockfile_digest,
        apparent_bytes=record.apparent_bytes,
        unique_bytes=record.unique_bytes,
    )
    final = target.path / WHOLE_MARKER
    draft = final.with_name(f".{uuid.uuid4().hex}")
    with draft.open("xb") as file:
        file.write(marker.to_bytes())
        file.flush()
        os.fsync(file.fileno())
    own_entry(draft, ownership)
    os.replace(draft, final)
    directory = os.open(final.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
