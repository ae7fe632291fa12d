"""What the makers of artifacts are given, and what they return."""

from dataclasses import dataclass
from pathlib import Path

from conda_store_artifacts.ports import ArchiveEnds, Packer, PrefixRebuilder
from conda_store_artifacts.use_cases.image_tools import ImageTools
from conda_store_artifacts.use_cases.provide_fragments import FragmentTools
from conda_store_artifacts.use_cases.read_inputs import Inputs
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.transaction import Transactions
from conda_store_shared.worker.stage import StageContext


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What artifacts are made with; ``level`` is that of gzip in archives."""

    fragments: FragmentTools
    images: ImageTools
    ends: ArchiveEnds
    packer: Packer
    rebuilder: PrefixRebuilder
    level: int

    @property
    def store(self) -> ObjectStore:
        """Where artifacts go."""
        return self.fragments.store

    @property
    def transactions(self) -> Transactions:
        """For the rows of blobs and fragments."""
        return self.fragments.transactions

    @property
    def work_directory(self) -> Path:
        """Local disk, for what is written before it is stored."""
        return self.fragments.work_directory


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """One artifact that is being made; ``step`` stands in front of each of its lines in the build's log."""

    artifact_type: ArtifactType
    key: str
    step: str
    inputs: Inputs
    context: StageContext

    @property
    def deadline(self) -> float:
        """Seconds it may take in all."""
        return self.inputs.order.artifact_deadline

    def log(self, text: str) -> None:
        """Add a line to the build's log."""
        self.context.log(f"{self.step}: {text}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An artifact in the object store: ``size`` in bytes, ``digest`` SHA-256 (hex).

    ``keys`` are its addresses when it was sent elsewhere.
    """

    size: int
    digest: str
    keys: tuple[str, ...] = ()
