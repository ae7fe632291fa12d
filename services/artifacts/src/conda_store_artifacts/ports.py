"""What the service asks of outside tools."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from conda_store_artifacts.domain.fragment import FragmentFormat
from conda_store_artifacts.domain.fragment_files import FragmentFiles, Mention
from conda_store_artifacts.domain.image_files import ImageFile
from conda_store_artifacts.domain.image_platform import ImagePlatform
from conda_store_artifacts.domain.image_reference import Repository
from conda_store_artifacts.domain.oci_manifest import Document
from conda_store_shared.child.report import Report
from conda_store_shared.domain.lockfile import LockedPackage, Lockfile


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


@dataclass(frozen=True, slots=True, kw_only=True)
class FragmentOrder:
    """Fragments to be made: of the packages ``wanted``, which are some of ``packages``, all of one ``platform``.

    The certificates of ``trusted_hosts`` need not be good.
    """

    platform: str
    packages: Sequence[LockedPackage]
    wanted: Sequence[LockedPackage]
    format: FragmentFormat
    deadline: float
    trusted_hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeFragment:
    """A fragment of ``package`` in the local file ``path``; the digests are SHA-256 (hex)."""

    package: LockedPackage
    path: Path
    digest: str
    size: int
    raw_digest: str
    raw_size: int
    files: FragmentFiles


class FragmentMaker(Protocol):
    """Makes fragments of packages."""

    async def make(self, order: FragmentOrder, directory: Path, report: Report) -> list[MadeFragment]:
        """Write the wanted fragments into the empty ``directory``, within the order's deadline in seconds.

        Raises StageFailure as installing does: channel_unreachable, hash_mismatch, disk_full, timeout, ….
        """
        ...


class Copies(Protocol):
    """Copies of objects, which are read in their place."""

    async def drop(self, key: str) -> bool:
        """Remove the copy of an object; returns whether there was one."""
        ...


class ArchiveEnds(Protocol):
    """Makes the part of an archive that is no package's."""

    async def make_end(self, mentions: Sequence[Mention], deadline: float, report: Report) -> bytes:
        """Return the compressed end of a tar: activate, deactivate, and conda-unpack, which mends the ``mentions``.

        Raises StageFailure: timeout, worker_lost, out_of_memory.
        """
        ...


class PrefixRebuilder(Protocol):
    """Installs an environment on this machine."""

    async def rebuild(self, lockfile: Lockfile, platform: str, prefix: Path, deadline: float, report: Report) -> None:
        """Install what is locked for ``platform`` at ``prefix``, which does not exist, within ``deadline`` seconds.

        Code of the packages runs.  Raises StageFailure as a build does.
        """
        ...


class Signer(Protocol):
    """Signs statements about builds with the key of the site."""

    @property
    def key_id(self) -> str:
        """What the key is known by."""
        ...

    @property
    def public_key(self) -> str:
        """What signatures are checked with, in PEM."""
        ...

    def sign(self, content: bytes) -> bytes:
        """Return the signature of ``content``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeLayer:
    """A layer of an image in the local file ``path``; the digests are SHA-256 (hex)."""

    path: Path
    digest: str
    size: int
    raw_digest: str
    raw_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RestOrder:
    """What is wanted of the installed ``prefix``: all but conda packages and the pip packages named ``wheels``."""

    prefix: Path
    wheels: Sequence[str]


class LayerMaker(Protocol):
    """Makes layers that are no package's, within ``deadline`` seconds each.

    Raises StageFailure: image_not_possible, disk_full, timeout, worker_lost.
    """

    @property
    def machine(self) -> ImagePlatform | None:
        """What the base that is made of this machine is for; None for a machine that images know nothing of."""
        ...

    async def find_base(self) -> Sequence[ImageFile]:
        """Return the files of the base that is made of this machine; the same as long as the process lives."""
        ...

    async def write(
        self, files: Sequence[ImageFile], wanted: FragmentFormat, output: Path, deadline: float, report: Report
    ) -> MadeLayer:
        """Write a layer of ``files`` to the new file ``output``."""
        ...

    async def merge(
        self, layers: Sequence[Path], wanted: FragmentFormat, output: Path, deadline: float, report: Report
    ) -> MadeLayer:
        """Write one layer of what is in ``layers``, all of the same codec, to the new file ``output``."""
        ...

    async def write_rest(
        self, order: RestOrder, wanted: FragmentFormat, output: Path, deadline: float, report: Report
    ) -> MadeLayer:
        """Write what an installed prefix has besides its packages to the new file ``output``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedBlob:
    """A blob to send: ``digest`` SHA-256 (hex), ``size`` in bytes; ``read`` yields its bytes, each time anew."""

    digest: str
    size: int
    read: Callable[[], AsyncIterator[bytes]]


class Registries(Protocol):
    """Registries of others.  Every method raises StageFailure: registry_refused, registry_unreachable, hash_mismatch.

    Digests are SHA-256 in hex; a ``reference`` is a tag, or a digest with ``sha256:`` in front.
    """

    async def fetch_document(self, repository: Repository, reference: str, accept: str) -> Document:
        """Return a manifest or an index."""
        ...

    async def fetch_content(self, repository: Repository, digest: str) -> bytes:
        """Return a small blob."""
        ...

    async def fetch_file(self, repository: Repository, digest: str, path: Path) -> int:
        """Write a blob to ``path``; return its size in bytes."""
        ...

    async def push_blob(self, repository: Repository, blob: PushedBlob) -> bool:
        """Send a blob unless it is there; return whether it was sent."""
        ...

    async def push_document(self, repository: Repository, reference: str, document: Document) -> None:
        """Put a manifest or an index."""
        ...


class Recompressor(Protocol):
    """Compresses anew what gzip compressed."""

    def __call__(self, pieces: AsyncIterator[bytes], /) -> AsyncIterator[bytes]:
        """Yield what ``pieces`` holds as one stream of zstd; raises ValueError when it is no gzip."""
        ...
