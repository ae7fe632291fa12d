"""One image that is being made, and what it is made with."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from conda_store_artifacts.domain.fragment import Blob, FragmentFormat
from conda_store_artifacts.domain.image_files import ImageFile
from conda_store_artifacts.domain.oci_manifest import Layer
from conda_store_artifacts.ports import MadeLayer
from conda_store_artifacts.use_cases.artifact_tools import Making, Tools
from conda_store_artifacts.use_cases.image_tools import ImageOptions
from conda_store_artifacts.use_cases.provide_layer import provide_layer


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageMaking:
    """The making of an image."""

    making: Making
    tools: Tools

    @property
    def options(self) -> ImageOptions:
        """How images are made."""
        return self.tools.images.options

    @property
    def format(self) -> FragmentFormat:
        """How layers are wanted."""
        return self.options.format

    def layer(self, blob: Blob, created_by: str) -> Layer:
        """A layer of an image, of the codec that is wanted."""
        return Layer(
            digest=blob.digest,
            size=blob.size,
            diff_id=blob.raw_digest,
            codec=self.format.codec,
            created_by=created_by,
        )

    async def layer_of(self, files: Sequence[ImageFile], created_by: str) -> Layer:
        """The layer of some files; raises StageFailure."""
        identity = {
            "kind": "files",
            "files": await asyncio.to_thread(_identities, files),
            "codec": self.format.codec,
            "level": self.format.level,
        }

        async def make(directory: Path) -> MadeLayer:
            making = self.making
            layers = self.tools.images.layers
            return await layers.write(files, self.format, directory / "layer", making.deadline, making.context)

        return self.layer(await provide_layer(identity, make, self.tools), created_by)


def _identities(files: Sequence[ImageFile]) -> list[list[str | int]]:
    """What a layer of files follows from; a file of the machine is known by when it was changed."""
    found: list[list[str | int]] = []
    for file in files:
        status = Path(file.source).stat() if file.source else None
        changed: list[str | int] = [] if status is None else [status.st_size, status.st_mtime_ns]
        found.append(
            [file.path, file.content or "", file.source or "", file.link or "", file.mode, file.owner, *changed]
        )
    return found
