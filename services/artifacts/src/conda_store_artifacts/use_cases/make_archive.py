"""Make the archive that conda-pack would make, from fragments that are there already."""

from conda_store_artifacts.use_cases.artifact_tools import Making, Stored, Tools
from conda_store_artifacts.use_cases.assemble_archive import assembled_archive
from conda_store_artifacts.use_cases.mend_fragments import mending_fragments
from conda_store_artifacts.use_cases.store_parts import store_parts


async def make_archive(making: Making, tools: Tools) -> Stored:
    """Store ``archive/<build_key>.tar.gz``; raises StageFailure."""

    async def store() -> Stored:
        async with assembled_archive(making, tools) as archive:
            return await store_parts(archive.parts, making, store=tools.store)

    return await mending_fragments(store, making, tools)
