"""The parts of an archive: fragments of its packages, or else an installed prefix that was packed."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from conda_store_artifacts.domain.fragment import (
    Blob,
    Codec,
    Fragment,
    FragmentFormat,
    FragmentKind,
    why_no_concatenation,
    why_no_fragment,
)
from conda_store_artifacts.domain.fragment_files import Mention, mentions_of
from conda_store_artifacts.repositories.blobs import use_blobs
from conda_store_artifacts.use_cases.artifact_tools import Making, Tools
from conda_store_artifacts.use_cases.installed_prefix import installed_prefix
from conda_store_artifacts.use_cases.provide_fragments import SCRATCH, FragmentRequest, provide_fragments
from conda_store_artifacts.use_cases.read_parts import Part
from conda_store_shared.domain.pip_options import trusted_hosts


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """A gzip-compressed tar in parts; ``mentions`` are the files conda-unpack mends, None when nobody knows."""

    parts: Sequence[Part]
    mentions: Sequence[Mention] | None


@asynccontextmanager
async def assembled_archive(making: Making, tools: Tools) -> AsyncIterator[Assembly]:
    """Open the archive of an environment; raises StageFailure.  What is on local disk goes when it is left."""
    request = FragmentRequest(
        lockfile=making.inputs.lockfile,
        platform=making.inputs.order.prefix.platform,
        format=FragmentFormat(kind=FragmentKind.ARCHIVE, codec=Codec.GZIP, level=tools.level),
        deadline=making.deadline,
        trusted_hosts=trusted_hosts(making.inputs.order.solve.specification),
    )
    packages = request.packages
    reason = next(filter(None, map(why_no_fragment, packages)), None)
    if reason is None:
        fragments = await provide_fragments(request, making.context, tools=tools.fragments)
        reason = why_no_concatenation(packages, fragments)
        if reason is None:
            async with _put_together(fragments, making, tools) as archive:
                yield archive
            return
    making.log(f"packing an installed prefix, since {reason}")
    with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=tools.work_directory) as directory:
        yield Assembly(parts=[await _pack(Path(directory), making, tools)], mentions=None)


@asynccontextmanager
async def _put_together(fragments: Sequence[Fragment], making: Making, tools: Tools) -> AsyncIterator[Assembly]:
    blobs = [fragment.blob for fragment in fragments]
    mentions = list(mentions_of(fragment.files for fragment in fragments))
    # Both are done while the packages are read, and waited for at the end alone.
    ending = asyncio.create_task(tools.ends.make_end(mentions, making.deadline, making.context), name="make end")
    using = asyncio.create_task(_use(blobs, making, tools), name="note use of blobs")
    try:
        yield Assembly(parts=[*blobs, ending], mentions=mentions)
        await using
    finally:
        for task in (ending, using):
            task.cancel()
        await asyncio.gather(ending, using, return_exceptions=True)
    files = sum(fragment.files.count for fragment in fragments)
    making.log(f"{len(blobs)} packages, {files} files")


async def _use(blobs: Sequence[Blob], making: Making, tools: Tools) -> None:
    digests = [blob.digest for blob in blobs]
    async with tools.transactions.begin() as transaction:
        await use_blobs(transaction.session, making.inputs.order.build_id, making.artifact_type, digests)


async def _pack(directory: Path, making: Making, tools: Tools) -> Path:
    """Pack the builder's prefix where that is mounted and whole, else one that is installed anew."""
    prefix = await installed_prefix(directory, making, tools)
    making.log(f"packing {prefix}")
    output = directory / "archive.tar.gz"
    packed = await tools.packer.pack(prefix, output, making.deadline, making.context)
    making.log(f"{packed.files} files, {packed.size} bytes")
    return output
