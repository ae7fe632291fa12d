"""Makers of layers and a registry whose answers are known in advance."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from conda_store_artifacts.domain.fragment import FragmentFormat
from conda_store_artifacts.domain.image_files import ImageFile
from conda_store_artifacts.domain.image_platform import ImagePlatform
from conda_store_artifacts.domain.image_reference import Repository
from conda_store_artifacts.domain.oci_manifest import Document
from conda_store_artifacts.ports import MadeLayer, PushedBlob, RestOrder
from conda_store_artifacts.use_cases.image_tools import ImageOptions, ImageTools
from conda_store_shared.child.report import Report
from conda_store_shared.domain.canonical import sha256_hex
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure


class PlainLayers:
    """Writes the paths of files, and joins what it is to merge; the base is a shell."""

    machine = ImagePlatform("amd64")

    async def find_base(self) -> Sequence[ImageFile]:
        return (ImageFile(path="bin/sh", content="a shell", mode=0o755),)

    async def write(
        self, files: Sequence[ImageFile], wanted: FragmentFormat, output: Path, deadline: float, report: Report
    ) -> MadeLayer:
        return await self._write(output, "\n".join(file.path for file in files).encode())

    async def merge(
        self, layers: Sequence[Path], wanted: FragmentFormat, output: Path, deadline: float, report: Report
    ) -> MadeLayer:
        return await self._write(output, b"+".join(layer.read_bytes() for layer in layers))

    async def write_rest(
        self, order: RestOrder, wanted: FragmentFormat, output: Path, deadline: float, report: Report
    ) -> MadeLayer:
        return await self._write(output, f"rest of {order.prefix.name} but {', '.join(order.wheels)}".encode())

    async def _write(self, output: Path, content: bytes) -> MadeLayer:
        await asyncio.to_thread(output.write_bytes, content)
        digest, raw = sha256_hex(content), sha256_hex(b"raw " + content)
        return MadeLayer(path=output, digest=digest, size=len(content), raw_digest=raw, raw_size=4 + len(content))


class PlainRegistries:
    """One registry in memory, for whoever asks: documents by name and reference, blobs by digest."""

    def __init__(self) -> None:
        self.documents: dict[tuple[str, str], Document] = {}
        self.blobs: dict[str, bytes] = {}
        self.accounts: set[tuple[str | None, str | None]] = set()
        self.refused: set[str] = set()

    async def fetch_document(self, repository: Repository, reference: str, accept: str) -> Document:
        self.accounts.add((repository.username, repository.password))
        found = self.documents.get((f"{repository.host}/{repository.name}", reference))
        if found is None:
            raise StageFailure(FailureCode.REGISTRY_REFUSED, f"registry {repository.host} knows no {repository.name}")
        return found

    async def fetch_content(self, repository: Repository, digest: str) -> bytes:
        return self.blobs[digest]

    async def fetch_file(self, repository: Repository, digest: str, path: Path) -> int:
        return await asyncio.to_thread(path.write_bytes, self.blobs[digest])

    async def push_blob(self, repository: Repository, blob: PushedBlob) -> bool:
        self.accounts.add((repository.username, repository.password))
        if repository.host in self.refused:
            raise StageFailure(FailureCode.REGISTRY_REFUSED, f"registry {repository.host} refuses to take it")
        is_new = blob.digest not in self.blobs
        self.blobs[blob.digest] = b"".join([piece async for piece in blob.read()])
        return is_new

    async def push_document(self, repository: Repository, reference: str, document: Document) -> None:
        self.documents[f"{repository.host}/{repository.name}", reference] = document


def some_image_tools(registries: PlainRegistries | None = None, **options: Any) -> ImageTools:
    """Tools for images; ``options`` are fields of ImageOptions."""
    known = registries or PlainRegistries()
    return ImageTools(options=ImageOptions(**options), layers=PlainLayers(), registries=lambda: known)
