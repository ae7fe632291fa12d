"""Make a program that installs the environment where nothing can be fetched."""

from collections.abc import Sequence

from conda_store_artifacts.domain.fragment import python_of
from conda_store_artifacts.domain.fragment_files import Mention
from conda_store_artifacts.domain.installer_script import InstallerScript
from conda_store_artifacts.use_cases.artifact_tools import Making, Stored, Tools
from conda_store_artifacts.use_cases.assemble_archive import assembled_archive
from conda_store_artifacts.use_cases.mend_fragments import mending_fragments
from conda_store_artifacts.use_cases.store_parts import store_parts
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure

_NO_PYTHON = (
    "an installer mends the paths in an environment with the python of that environment, and this one has none: add "
    "python to its dependencies, or use the archive"
)


async def make_installer(making: Making, tools: Tools) -> Stored:
    """Store ``installer/<build_key>.sh``; raises StageFailure, pack_failed for an environment nothing could mend."""

    async def store() -> Stored:
        async with assembled_archive(making, tools) as archive:
            head = _script(making, archive.mentions).to_bytes()
            return await store_parts([head, *archive.parts], making, store=tools.store, seal=True)

    return await mending_fragments(store, making, tools)


def _script(making: Making, mentions: Sequence[Mention] | None) -> InstallerScript:
    order = making.inputs.order
    has_python = python_of(making.inputs.lockfile.select(order.prefix.platform, "conda")) is not None
    if not has_python and (mentions is None or mentions):
        raise StageFailure(FailureCode.PACK_FAILED, _NO_PYTHON)
    # A path takes the place of the text that was packaged.
    rooms = [len(mention.placeholder.encode()) for mention in mentions or () if mention.mode == "binary"]
    return InstallerScript(
        namespace=order.namespace,
        environment=order.environment,
        build_key=order.build_key,
        platform=order.prefix.platform,
        longest_prefix=min(rooms, default=0),
        mends=has_python,
    )
